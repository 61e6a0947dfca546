// What is looked at, in the address of the page, so that a reload and a link show the same.

import { Signal } from "./lib/signal.js";
import { formatMomentText, isLive, LIVE, parseRange } from "./time_range.js";

/** @typedef {"single" | "compare" | "fleet"} ViewName */

/**
 * @typedef {object} Route
 * @property {ViewName | null} view `null` where the address names none
 * @property {string | null} host
 * @property {string[]} compare
 * @property {import("./time_range.js").Range} range
 * @property {Words} words
 *
 * @typedef {Partial<Record<WordName, string>>} Words what a view wants to be told again, each a word of its own
 * @typedef {typeof WORDS[number]} WordName
 */

/** As many as there are colours that can be told apart. */
export const MOST_COMPARED = 8;
/** More are not read from an address; those beyond eight are named as too many. */
const MOST_NAMED = 32;
/** Of the fleet: filter, order, groups, table or grid. Of a comparison: form, reference, own past, series. Of a host:
 *  the span that is explained, the core that has a chart. */
const WORDS = /** @type {const} */ ([
  "q",
  "sort",
  "group",
  "layout",
  "form",
  "ref",
  "past",
  "metric",
  "explain",
  "core",
]);
/** A longer word is no word of this page. */
const LONGEST_WORD = 300;

/**
 * @param {string} search
 * @returns {Route}
 */
export function parseRoute(search) {
  const query = new URLSearchParams(search);
  const view = query.get("view");
  /** @type {Words} */
  const words = {};
  for (const name of WORDS) {
    const word = query.get(name);
    if (word !== null && word !== "") words[name] = word.slice(0, LONGEST_WORD);
  }
  return {
    view: view === "single" || view === "compare" || view === "fleet" ? view : null,
    host: query.get("host"),
    compare: [...new Set(query.getAll("compare"))].slice(0, MOST_NAMED),
    range: parseRange(query.get("from"), query.get("to")) ?? LIVE,
    words,
  };
}

/**
 * @param {Route} route
 * @returns {string} empty, or a query with its question mark
 */
export function formatRoute({ view, host, compare, range, words }) {
  const query = new URLSearchParams();
  if (host !== null) query.set("host", host);
  if (view !== null && (view !== "single" || host === null)) query.set("view", view); // a host alone says so, too
  for (const name of compare) query.append("compare", name);
  if (!isLive(range)) {
    query.set("from", formatMomentText(range.from));
    query.set("to", formatMomentText(range.to));
  }
  for (const name of WORDS) if (words[name]) query.set(name, words[name]);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Browsers refuse more writes of the address than about ten a second. */
const WRITE_EVERY_MS = 200;

export class Router {
  /** @type {Signal<Route>} */
  changed = new Signal();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #writing;

  constructor() {
    this.route = parseRoute(location.search);
    window.addEventListener("popstate", () => {
      clearTimeout(this.#writing);
      this.#writing = undefined;
      this.route = parseRoute(location.search);
      this.changed.emit(this.route);
    });
  }

  /**
   * A step that the browser's Back takes back.
   * @param {Partial<Route>} changes
   */
  go(changes) {
    const route = { ...this.route, ...changes };
    if (formatRoute(route) === formatRoute(this.route)) return;
    this.#write();
    this.route = route;
    history.pushState(null, "", `${location.pathname}${formatRoute(route)}`);
    this.changed.emit(route);
  }

  /**
   * A change that is no step, such as each pixel of a drag.
   * @param {Partial<Route>} changes
   */
  adjust(changes) {
    const route = { ...this.route, ...changes };
    if (formatRoute(route) === formatRoute(this.route)) return;
    this.route = route;
    this.#writing ??= setTimeout(() => this.#write(), WRITE_EVERY_MS);
    this.changed.emit(route);
  }

  /** @param {Words} words changed ones; an empty one is dropped */
  say(words) {
    this.adjust({ words: { ...this.route.words, ...words } });
  }

  #write() {
    if (this.#writing === undefined) return;
    clearTimeout(this.#writing);
    this.#writing = undefined;
    history.replaceState(null, "", `${location.pathname}${formatRoute(this.route)}`);
  }
}
