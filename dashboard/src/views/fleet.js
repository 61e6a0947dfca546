// All hosts as a table: those that are down first, then as the reader sorts.

import { HostRow } from "../components/host_row.js";
import { el, setAttribute, setChildren } from "../lib/dom.js";
import { naturally } from "../lib/series_key.js";

/** @typedef {"status" | "name" | import("../api.js").HeadlineMetric | "seen"} Column */
/** @typedef {import("../api.js").FleetHost} FleetHost */

/** @type {{ column: Column, label: string, number?: boolean }[]} */
const COLUMNS = [
  { column: "status", label: "Status" },
  { column: "name", label: "Host" },
  { column: "cpu.total_usage", label: "CPU", number: true },
  { column: "memory.usage_percent", label: "Memory", number: true },
  { column: "memory.used_bytes", label: "Used", number: true },
  { column: "load.avg_1m", label: "Load", number: true },
  { column: "seen", label: "Seen", number: true },
];

export class FleetView {
  #body = el("tbody");
  /** @type {Map<string, HostRow>} */
  #rows = new Map();
  /** @type {Map<Column, HTMLTableCellElement>} */
  #heads = new Map();
  /** @type {Column} */
  #column = "status";
  #descending = false;
  /** @type {import("../state.js").Fleet | null} */
  #fleet = null;

  /** @param {(hostname: string) => void} onOpen */
  constructor(onOpen) {
    this.onOpen = onOpen;
    const head = el("thead", {}, el("tr", {}, ...COLUMNS.map((column) => this.#head(column))));
    const table = el("table", { class: "hosts" }, head, this.#body);
    this.element = el("article", { class: "panel hosts-panel", "aria-label": "All hosts" }, el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "All hosts" }, table));
  }

  /** @param {import("../main.js").App} app */
  update({ fleet }) {
    this.#fleet = fleet;
    const now = fleet.clock.now();
    const hosts = [...fleet.hosts.values()].sort((a, b) => this.#order(a, b));
    const rows = hosts.map((host) => {
      const row = this.#rows.get(host.hostname) ?? new HostRow(host.hostname, () => this.onOpen(host.hostname));
      this.#rows.set(host.hostname, row);
      row.show(host, now);
      return row.element;
    });
    setChildren(this.#body, rows);
    for (const [column, head] of this.#heads) setAttribute(head, "aria-sort", column === this.#column ? (this.#descending ? "descending" : "ascending") : undefined);
  }

  end() {
    this.#rows.clear();
  }

  /** @param {{ column: Column, label: string, number?: boolean }} column */
  #head({ column, label, number }) {
    const button = el("button", { type: "button", class: "sort-button" }, label);
    button.addEventListener("click", () => this.#sortBy(column, number === true));
    const head = el("th", { scope: "col", class: number ? "number" : undefined }, button);
    this.#heads.set(column, head);
    return head;
  }

  /**
   * Figures begin with the highest, words with the first.
   * @param {Column} column
   * @param {boolean} number
   */
  #sortBy(column, number) {
    this.#descending = column === this.#column ? !this.#descending : number;
    this.#column = column;
    const fleet = this.#fleet;
    if (fleet === null) return;
    const hosts = [...fleet.hosts.values()].sort((a, b) => this.#order(a, b));
    setChildren(this.#body, hosts.flatMap(({ hostname }) => this.#rows.get(hostname)?.element ?? []));
  }

  /**
   * @param {FleetHost} a
   * @param {FleetHost} b
   */
  #order(a, b) {
    const [low, high] = this.#descending ? [b, a] : [a, b];
    const difference = this.#column === "name" ? naturally(low.hostname, high.hostname) : rank(low, this.#column) - rank(high, this.#column);
    return difference || naturally(a.hostname, b.hostname);
  }
}

/**
 * @param {FleetHost} host
 * @param {Column} column
 */
function rank(host, column) {
  if (column === "status") return Number(host.status === "online");
  if (column === "seen" || column === "name") return host.last_seen;
  return host.metrics?.[column] ?? -1;
}
