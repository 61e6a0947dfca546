// The labels that a host was given.

import { el, setChildren } from "../lib/dom.js";

export class TagList {
  element = el("ul", { class: "tags", "aria-label": "Tags" });
  #shown = "";

  /** @param {Record<string, string>} tags */
  show(tags) {
    const text = JSON.stringify(tags);
    this.element.hidden = text === "{}";
    if (text === this.#shown) return;
    this.#shown = text;
    const items = Object.entries(tags).map(([key, value]) => el("li", { class: "tag" }, el("bdi", { class: "tag-key" }, key), el("bdi", {}, value)));
    setChildren(this.element, items);
  }
}
