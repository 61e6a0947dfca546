// The processes that took the most at a moment, as a table that is sorted by what one wants to know.

import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { formatBytes, formatClock, formatValue } from "../lib/format.js";
import { loadStyle } from "../lib/style.js";
import { diskOf, heaviest } from "./order.js";

await Promise.all(["css/tables.css", "css/processes.css"].map(loadStyle));

/** @typedef {import("./order.js").Resource} Resource */
/** @typedef {import("../api.js").ProcessSnapshot} ProcessSnapshot */

/** More would push the charts away. */
const MOST_ROWS = 8;
/** @type {{ key: Resource, label: string }[]} */
const SORTED = [
  { key: "cpu", label: "CPU" },
  { key: "memory", label: "Memory" },
  { key: "disk", label: "Disk" },
];

export class ProcessTable {
  #when = el("span", { class: "panel-span" });
  #note = el("p", { class: "muted process-note" });
  #body = el("tbody");
  /** @type {Map<Resource, HTMLTableCellElement>} */
  #heads = new Map();
  /** @type {Resource} */
  #by = "cpu";
  /** @type {ProcessSnapshot | null} */
  #snapshot = null;

  constructor() {
    const sorted = SORTED.map(({ key, label }) => this.#head(key, label));
    const other = ["PID", "Process"].map((name) =>
      el("th", { scope: "col", class: name === "PID" ? "number" : undefined }, name),
    );
    const head = el("thead", {}, el("tr", {}, ...other, ...sorted));
    const table = el("table", { class: "values processes", "aria-label": "Top processes" }, head, this.#body);
    this.#table = el(
      "div",
      { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Top processes" },
      table,
    );
    this.element = el(
      "div",
      { class: "panel panel-wide", role: "group", "aria-label": "Top processes" },
      el("header", { class: "panel-head" }, el("h3", { class: "panel-title" }, "Top processes"), this.#when),
      this.#note,
      this.#table,
    );
    this.#sort("cpu");
  }
  #table;

  /**
   * @param {ProcessSnapshot | null} snapshot
   * @param {number} at the moment that is looked at
   */
  show(snapshot, at) {
    this.#note.hidden = snapshot !== null;
    this.#table.hidden = snapshot === null;
    setText(this.#note, `None were noted in the five minutes before ${formatClock(at)}.`);
    setText(this.#when, snapshot === null ? "" : `at ${formatClock(snapshot.timestamp)}, of ${snapshot.total}`);
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.#fill();
  }

  /** @param {boolean} asking what is shown is of another moment than the cursor's */
  wait(asking) {
    setAttribute(this.element, "aria-busy", asking ? "true" : undefined);
  }

  #fill() {
    setChildren(this.#body, heaviest(this.#snapshot?.processes ?? [], this.#by, MOST_ROWS).map(rowOf));
  }

  /** @param {Resource} by */
  #sort(by) {
    this.#by = by;
    for (const [key, head] of this.#heads) setAttribute(head, "aria-sort", key === by ? "descending" : undefined);
    this.#fill();
  }

  /**
   * @param {Resource} key
   * @param {string} label
   */
  #head(key, label) {
    const button = el("button", { type: "button", class: "sort-button" }, label);
    button.addEventListener("click", () => this.#sort(key));
    const head = el("th", { scope: "col", class: "number" }, button);
    this.#heads.set(key, head);
    return head;
  }
}

/** @param {import("../api.js").ProcessUse} process */
function rowOf(process) {
  const { pid, name, command, state, threads, cpu_percent, memory_bytes, read_bytes, write_bytes } = process;
  const about = `${threads} ${threads === 1 ? "thread" : "threads"}, state ${state}`;
  const disk = diskOf(process);
  const ways = disk === null ? "not known" : `read ${rate(read_bytes)}, written ${rate(write_bytes)}`;
  const told = command === null || command === "" ? [] : [" ", el("bdi", { class: "muted process-command" }, command)];
  return el(
    "tr",
    {},
    el("td", { class: "number muted" }, String(pid)),
    el("th", { scope: "row", class: "process-name", title: about }, el("bdi", {}, name), ...told),
    el("td", { class: "number" }, formatValue(cpu_percent, "percent")),
    el("td", { class: "number" }, formatBytes(memory_bytes)),
    el("td", { class: "number", title: ways }, formatValue(disk, "bytes/s")),
  );
}

/** @param {number | null} bytes */
const rate = (bytes) => formatValue(bytes, "bytes/s");
