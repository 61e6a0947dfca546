// A figure with its name, how it moved, and its last minutes.

import { el, setText } from "../lib/dom.js";
import { formatAge, formatChange, formatValue, NONE } from "../lib/format.js";
import { changeOf } from "../lib/change.js";
import { levelOf, showLevel } from "../lib/level.js";
import { Sparkline } from "../chart/sparkline.js";

export class FigureCard {
  #value = el("span", { class: "card-value" }, NONE);
  #change = el("span");
  #since = el("span", { class: "card-since" });
  #note = el("span", { class: "card-note" });
  #level = el("span", { class: "level-word" });

  /** @param {{ label: string, unit: string, max?: number, colour?: number }} options */
  constructor({ label, unit, max, colour }) {
    this.unit = unit;
    this.#spark = new Sparkline({ max, colour });
    this.element = el(
      "div",
      { class: "card figure", role: "group", "aria-label": label },
      el("h3", { class: "card-label" }, label, " ", this.#level),
      this.#value,
      el("span", { class: "card-change" }, this.#change, " ", this.#since),
      this.#note,
      this.#spark.element,
    );
  }
  #spark;

  /**
   * @param {import("../state.js").Series | undefined} series
   * @param {number | null} value
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {string} note
   */
  show(series, value, window, note) {
    setText(this.#value, formatValue(value, this.unit));
    setText(this.#note, note);
    showLevel(this.#level, this.unit === "percent" ? levelOf(value) : "ok");
    const change = series === undefined || value === null ? null : changeOf(series.track);
    setText(this.#change, change === null ? "" : formatChange(change.difference, this.unit));
    setText(this.#since, change === null ? "" : `in ${change.seconds === 60 ? "1 min" : formatAge(change.seconds)}`);
    this.#spark.show(series?.track ?? null, window);
  }

  end() {
    this.#spark.end();
  }
}
