// What is looked at, in the address of the page, so that a reload and a link show the same.

import { Signal } from "./lib/signal.js";

/** @typedef {"single" | "compare" | "fleet"} ViewName */
/** @typedef {{ view: ViewName, host: string | null, compare: string[] }} Route */

/** As many as there are colours that can be told apart. */
export const MOST_COMPARED = 8;

/**
 * @param {string} search
 * @returns {Route}
 */
export function parseRoute(search) {
  const query = new URLSearchParams(search);
  const view = query.get("view");
  return {
    view: view === "compare" || view === "fleet" ? view : "single",
    host: query.get("host"),
    compare: [...new Set(query.getAll("compare"))].slice(0, MOST_COMPARED),
  };
}

/**
 * @param {Route} route
 * @returns {string} empty, or a query with its question mark
 */
export function formatRoute({ view, host, compare }) {
  const query = new URLSearchParams();
  if (host !== null) query.set("host", host);
  if (view !== "single") query.set("view", view);
  for (const name of compare) query.append("compare", name);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

export class Router {
  /** @type {Signal<Route>} */
  changed = new Signal();

  constructor() {
    this.route = parseRoute(location.search);
    window.addEventListener("popstate", () => {
      this.route = parseRoute(location.search);
      this.changed.emit(this.route);
    });
  }

  /** @param {Partial<Route>} changes */
  go(changes) {
    const route = { ...this.route, ...changes };
    if (formatRoute(route) === formatRoute(this.route)) return;
    this.route = route;
    history.pushState(null, "", `${location.pathname}${formatRoute(route)}`);
    this.changed.emit(route);
  }
}
