// Which hosts are compared: a button each, and a field to find one among many.

import { el, setAttribute, setChildren } from "../lib/dom.js";
import { MOST_COMPARED } from "../router.js";
import { StatusMark } from "./status.js";

/** A field to search in, from so many hosts on. */
const SEARCH_FROM = 13;

/** @typedef {{ button: HTMLButtonElement, mark: StatusMark, swatch: HTMLElement }} Chip */

export class ComparePicker {
  #search = el("input", { type: "search", class: "search", placeholder: "Find a host", "aria-label": "Find a host" });
  #list = el("div", { class: "chips", role: "group", "aria-label": "Hosts to compare" });
  #note = el("span", { class: "muted compare-note" }, `${MOST_COMPARED} hosts at most`);
  /** @type {Map<string, Chip>} */
  #chips = new Map();
  /** @type {readonly string[]} */
  #selected = [];
  /** @type {import("../state.js").Fleet | null} */
  #fleet = null;

  /** @param {(selected: string[]) => void} onPick */
  constructor(onPick) {
    this.onPick = onPick;
    this.#search.addEventListener("input", () => this.#arrange());
    this.element = el("div", { class: "compare-picker" }, this.#search, this.#list, this.#note);
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {readonly string[]} selected
   * @param {ReadonlyMap<string, number>} colours
   */
  show(fleet, selected, colours) {
    this.#fleet = fleet;
    this.#selected = selected;
    this.#search.hidden = fleet.names.length < SEARCH_FROM;
    this.#note.hidden = selected.length < MOST_COMPARED;
    this.#arrange();
    for (const name of fleet.names) this.#update(fleet, name, colours.get(name));
  }

  #arrange() {
    const wanted = this.#search.value.trim().toLowerCase();
    const names = (this.#fleet?.names ?? []).filter((name) => name.toLowerCase().includes(wanted) || this.#selected.includes(name));
    setChildren(
      this.#list,
      names.map((name) => this.#chip(name).button),
    );
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {string} name
   * @param {number | undefined} colour
   */
  #update(fleet, name, colour) {
    const { button, mark, swatch } = this.#chip(name);
    const chosen = this.#selected.includes(name);
    mark.show(fleet.hosts.get(name)?.status ?? "unknown");
    setAttribute(button, "aria-pressed", String(chosen));
    button.disabled = !chosen && this.#selected.length >= MOST_COMPARED;
    setAttribute(swatch, "data-series", colour === undefined ? undefined : colour + 1);
  }

  /** @param {string} name */
  #chip(name) {
    const known = this.#chips.get(name);
    if (known !== undefined) return known;
    const mark = new StatusMark();
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    const button = el("button", { type: "button", class: "chip", title: name }, swatch, el("bdi", { class: "chip-name" }, name), mark.element);
    button.addEventListener("click", () => this.#toggle(name));
    const chip = { button, mark, swatch };
    this.#chips.set(name, chip);
    return chip;
  }

  /** @param {string} name */
  #toggle(name) {
    const without = this.#selected.filter((other) => other !== name);
    this.onPick(without.length < this.#selected.length ? without : [...this.#selected, name]);
  }
}
