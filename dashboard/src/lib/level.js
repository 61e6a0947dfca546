// When a figure is worth a look. The word goes beside the colour, always.

import { setAttribute, setText } from "./dom.js";

/** @typedef {"ok" | "warn" | "bad"} Level */

const WARN_PERCENT = 80;
const BAD_PERCENT = 95;
/** Tasks for each core: the queue is as long again as what runs, or three times as long. */
const WARN_LOAD = 2;
const BAD_LOAD = 4;

/**
 * @param {number | null | undefined} percent
 * @returns {Level}
 */
export function levelOf(percent) {
  return above(percent, WARN_PERCENT, BAD_PERCENT);
}

/**
 * @param {number | null | undefined} perCore tasks running or waiting
 * @returns {Level}
 */
export function levelOfLoad(perCore) {
  return above(perCore, WARN_LOAD, BAD_LOAD);
}

/**
 * @param {number | null | undefined} value
 * @param {number} warn
 * @param {number} bad
 * @returns {Level}
 */
function above(value, warn, bad) {
  if (value === null || value === undefined || value < warn) return "ok";
  return value < bad ? "warn" : "bad";
}

/** @type {Record<Level, string>} */
export const LEVEL_WORDS = { ok: "", warn: "high", bad: "very high" };

/**
 * @param {Element} word one of the class `level-word`
 * @param {Level} level
 * @param {string} [label] what it is that is high, where nothing beside it says so
 */
export function showLevel(word, level, label = "") {
  setAttribute(word, "data-level", level);
  setText(word, level === "ok" || label === "" ? LEVEL_WORDS[level] : `${label} ${LEVEL_WORDS[level]}`);
}
