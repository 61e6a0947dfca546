// Which hosts are compared: a button each, and a field to find one among many.

import { el, setAttribute, setChildren } from "../lib/dom.js";
import { MOST_COMPARED } from "../router.js";
import { StatusMark } from "./status.js";

/** From so many hosts on only those that are found in a field have a button. */
const SEARCH_FROM = 13;
const MOST_FOUND = 24;

/** @typedef {import("../main.js").LeftOut} LeftOut */
/** @typedef {{ button: HTMLButtonElement, mark: StatusMark, swatch: HTMLElement }} Chip */

export class ComparePicker {
  #search = el("input", {
    type: "search",
    class: "search",
    placeholder: "Find a host",
    "aria-label": "Find a host",
    "data-search": true,
  });
  #list = el("div", { class: "chips", role: "group", "aria-label": "Hosts to compare" });
  #note = el("span", { class: "muted compare-note" }, `${MOST_COMPARED} hosts at most`);
  /** Those that the address names and nobody sees: a link that is cut in silence misleads. */
  #left = el("div", { class: "chips", role: "group", "aria-label": "Not compared" });
  #leftText = "";
  /** @type {Map<string, Chip>} */
  #chips = new Map();
  /** @type {readonly string[]} */
  #selected = [];
  /** @type {ReadonlyMap<string, number>} */
  #colours = new Map();
  /** @type {import("../state.js").Fleet | null} */
  #fleet = null;

  /** @param {(selected: string[]) => void} onPick */
  constructor(onPick) {
    this.onPick = onPick;
    this.#search.addEventListener("input", () => this.#arrange());
    this.element = el("div", { class: "compare-picker" }, this.#search, this.#list, this.#left, this.#note);
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {readonly string[]} selected
   * @param {ReadonlyMap<string, number>} colours
   * @param {readonly LeftOut[]} left
   */
  show(fleet, selected, colours, left) {
    this.#fleet = fleet;
    this.#selected = selected;
    this.#search.hidden = fleet.names.length < SEARCH_FROM;
    this.#note.hidden = selected.length < MOST_COMPARED;
    this.#colours = colours;
    this.#arrange();
    this.#showLeft(left);
  }

  /** @param {readonly LeftOut[]} left */
  #showLeft(left) {
    this.#left.hidden = left.length === 0;
    const text = JSON.stringify(left);
    if (text === this.#leftText) return;
    this.#leftText = text;
    const chips = left.map(({ host, why }) => {
      const label = `${host}: ${why}. Leave all that are not compared out of the address`;
      const text = el("span", { class: "chip-name" }, el("bdi", {}, host), `: ${why}`);
      const chip = el("button", { type: "button", class: "chip", title: label }, text);
      chip.addEventListener("click", () => this.onPick([...this.#selected]));
      return chip;
    });
    this.#left.replaceChildren(...chips);
  }

  #arrange() {
    setChildren(
      this.#list,
      this.#offered().map((name) => this.#updated(name)),
    );
  }

  /** All of a small fleet, each in its place; of a large one the chosen and the found. */
  #offered() {
    const names = this.#fleet?.names ?? [];
    if (names.length < SEARCH_FROM) return names;
    const wanted = this.#search.value.trim().toLowerCase();
    const found =
      wanted === ""
        ? []
        : names.filter((name) => name.toLowerCase().includes(wanted) && !this.#selected.includes(name));
    return [...this.#selected, ...found.slice(0, MOST_FOUND)];
  }

  /** @param {string} name */
  #updated(name) {
    const { button, mark, swatch } = this.#chip(name);
    const chosen = this.#selected.includes(name);
    const colour = this.#colours.get(name);
    mark.show(this.#fleet?.hosts.get(name)?.status ?? "unknown");
    setAttribute(button, "aria-pressed", String(chosen));
    button.disabled = !chosen && this.#selected.length >= MOST_COMPARED;
    setAttribute(swatch, "data-series", colour === undefined ? undefined : colour + 1);
    return button;
  }

  /** @param {string} name */
  #chip(name) {
    const known = this.#chips.get(name);
    if (known !== undefined) return known;
    const mark = new StatusMark();
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    const button = el(
      "button",
      { type: "button", class: "chip", title: name },
      swatch,
      el("bdi", { class: "chip-name" }, name),
      mark.element,
    );
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
