// The language of the fleet's search: `web tag:role=db status:offline cpu>80 -tag:environment=staging`. Words that
// stand beside each other must all be true; a minus turns one around.

import { fullestOf, loadPerCore, shownStatus, troublesOf } from "./trouble.js";

/** @typedef {import("./trouble.js").Known} Known */
/** @typedef {(host: Known, now: number) => boolean} Test */
/** @typedef {{ test: Test, problems: string[] }} Filter `problems`: what was not understood, in words */

/** @type {Record<string, (host: Known, now: number) => number | undefined>} */
const FIGURES = {
  cpu: (host) => host.metrics?.["cpu.total_usage"],
  mem: (host) => host.metrics?.["memory.usage_percent"],
  memory: (host) => host.metrics?.["memory.usage_percent"],
  used: (host) => host.metrics?.["memory.used_bytes"],
  disk: (host) => fullestOf(host)?.percent,
  load: (host) => host.metrics?.["load.avg_1m"],
  "load/core": loadPerCore,
  seen: (host, now) => now - host.last_seen,
};
/** What may stand behind the colon; any of it is enough. @type {Record<string, (host: Known) => string[]>} */
const FIELDS = {
  name: (host) => [host.hostname],
  status: (host) => [shownStatus(host)],
  level: (host) => LEVELS[troublesOf(host)[0]?.level ?? "ok"],
  platform: (host) => [host.platform],
  version: (host) => [host.version],
};
/** Who looks for what is high means what is very high as well.
 *  @type {Record<import("../lib/level.js").Level, string[]>} */
const LEVELS = { ok: ["ok"], warn: ["high"], bad: ["very high", "high"] };
/** @type {Record<string, (a: number, b: number) => boolean>} */
const COMPARISONS = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
};
/** @type {Record<string, number>} */
const FACTORS = { k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
const COMPARED = /^([\w/]+)(>=|<=|>|<)(\d+(?:\.\d+)?)\s*(%|([kmgt])(?:i?b)?)?$/i;

/**
 * @param {string} text
 * @returns {Filter}
 */
export function parseFilter(text) {
  /** @type {Test[]} */
  const tests = [];
  const problems = [];
  for (const word of wordsOf(text)) {
    const negated = word.length > 1 && word.startsWith("-");
    const found = testOf(negated ? word.slice(1) : word);
    if (typeof found === "string") problems.push(found);
    else tests.push(negated ? (host, now) => !found(host, now) : found);
  }
  return { test: (host, now) => tests.every((test) => test(host, now)), problems };
}

/**
 * Split at blanks that are not between quotes.
 * @param {string} text
 */
function wordsOf(text) {
  return [...text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)].map(([word]) => word.replaceAll('"', "")).filter(Boolean);
}

/**
 * @param {string} word
 * @returns {Test | string} or what is wrong with it
 */
function testOf(word) {
  const compared = COMPARED.exec(word);
  if (compared !== null) return figureTest(compared);
  const colon = word.indexOf(":");
  const field = word.slice(0, colon).toLowerCase();
  const wanted = word.slice(colon + 1);
  if (colon > 0 && field === "tag") return tagTest(wanted);
  if (colon > 0 && Object.hasOwn(FIELDS, field)) {
    const match = matcher(wanted, field === "name");
    return (host) => FIELDS[field](host).some(match);
  }
  const match = matcher(word, true);
  return (host) => match(host.hostname) || Object.entries(host.tags).some(([key, value]) => match(`${key}=${value}`));
}

/** @param {RegExpExecArray} compared @returns {Test | string} */
function figureTest([, name, sign, number, , factor]) {
  const key = name.toLowerCase();
  if (!Object.hasOwn(FIGURES, key)) return `“${name}” is no figure: ${Object.keys(FIGURES).join(", ")}`;
  const limit = Number(number) * (factor ? FACTORS[factor.toLowerCase()] : 1);
  return (host, now) => {
    const value = FIGURES[key](host, now);
    return value !== undefined && COMPARISONS[sign](value, limit);
  };
}

/** @param {string} wanted `role`, `role=web`, `role=w*` @returns {Test} */
function tagTest(wanted) {
  const equals = wanted.indexOf("=");
  const key = (equals < 0 ? wanted : wanted.slice(0, equals)).toLowerCase();
  const match = equals < 0 ? () => true : matcher(wanted.slice(equals + 1), false);
  return (host) => Object.entries(host.tags).some(([name, value]) => name.toLowerCase() === key && match(value));
}

/**
 * Whole words, with `*` for anything; `part` finds inside of one as well.
 * @param {string} wanted
 * @param {boolean} part
 * @returns {(text: string) => boolean}
 */
function matcher(wanted, part) {
  const lower = wanted.toLowerCase();
  if (!lower.includes("*")) return (text) => (part ? text.toLowerCase().includes(lower) : text.toLowerCase() === lower);
  const pieces = lower.split("*");
  return (text) => fits(text.toLowerCase(), pieces);
}

/**
 * Without a regular expression: what a reader types must not be able to keep the page busy.
 * @param {string} text
 * @param {readonly string[]} pieces what stands between the stars
 */
function fits(text, pieces) {
  const [first, last] = [pieces[0], pieces[pieces.length - 1]];
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
