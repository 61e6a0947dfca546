// How the fleet is looked at: search, order, groups, table or grid.

import { tagKeys } from "../fleet/order.js";
import { el, setAttribute, setChildren, setText } from "../lib/dom.js";

/** @typedef {import("../router.js").Words} Words */

/** @type {[string, string][]} */
const SORTS = [
  ["worst", "Worst first"],
  ["name", "Name"],
  ["cpu", "CPU"],
  ["memory", "Memory"],
  ["disk", "Disk"],
  ["used", "Memory used"],
  ["load", "Load"],
  ["seen", "Longest silent"],
];
/** More keys than this make no groups that anybody reads. */
const MOST_KEYS = 30;
const EXAMPLE = "web tag:role=db status:offline disk>90";

export class FleetBar {
  #search = el("input", {
    type: "search",
    class: "search fleet-search",
    placeholder: EXAMPLE,
    "aria-label": "Search hosts by name, tag, status or figures",
    "aria-describedby": "fleet-problem",
    "data-search": true,
  });
  #sort = el("select", { class: "search" }, ...SORTS.map(([value, text]) => el("option", { value }, text)));
  #group = el("select", { class: "search" });
  #table = el("button", { type: "button" }, "Table");
  #grid = el("button", { type: "button" }, "Grid");
  #count = el("span", { class: "muted fleet-count", role: "status" });
  #problem = el("p", { class: "level-word", id: "fleet-problem" });
  #version = -1;

  /** @param {(words: Words) => void} onChange */
  constructor(onChange) {
    this.#search.addEventListener("input", () => onChange({ q: this.#search.value }));
    this.#sort.addEventListener("change", () =>
      onChange({ sort: this.#sort.value === "worst" ? "" : this.#sort.value }),
    );
    this.#group.addEventListener("change", () => onChange({ group: this.#group.value }));
    this.#table.addEventListener("click", () => onChange({ layout: "" }));
    this.#grid.addEventListener("click", () => onChange({ layout: "grid" }));
    this.element = el(
      "search",
      { class: "fleet-bar", "aria-label": "Hosts" },
      this.#search,
      el("label", { class: "fleet-choice" }, el("span", { class: "muted" }, "Sort"), this.#sort),
      el("label", { class: "fleet-choice" }, el("span", { class: "muted" }, "Group"), this.#group),
      el("div", { class: "segments", role: "group", "aria-label": "Form" }, this.#table, this.#grid),
      this.#count,
      this.#problem,
    );
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {Words} words
   * @param {{ found: number, problems: readonly string[], sort: string }} result
   */
  show(fleet, words, { found, problems, sort }) {
    if (fleet.version !== this.#version) this.#fillGroups(fleet);
    this.#version = fleet.version;
    const q = words.q ?? "";
    if (this.#search.value !== q && document.activeElement !== this.#search) this.#search.value = q;
    this.#sort.value = sort;
    this.#group.value = words.group ?? "";
    setAttribute(this.#table, "aria-pressed", String(words.layout !== "grid"));
    setAttribute(this.#grid, "aria-pressed", String(words.layout === "grid"));
    const total = fleet.hosts.size;
    setText(this.#count, found === total ? `${total} hosts` : `${found} of ${total} hosts`);
    setText(this.#problem, problems.join(" "));
    this.#problem.hidden = problems.length === 0;
  }

  /** @param {import("../state.js").Fleet} fleet */
  #fillGroups(fleet) {
    const keys = tagKeys(fleet.hosts.values()).slice(0, MOST_KEYS);
    const option = (/** @type {string} */ value, /** @type {string} */ text) => el("option", { value }, text);
    setChildren(this.#group, [
      option("", "None"),
      option("status", "Status"),
      ...keys.filter((key) => key !== "status").map((key) => option(key, key)),
    ]);
  }
}
