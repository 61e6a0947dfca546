// A figure with its name, how it moved, and its last minutes.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatAge, formatChange, formatValue, NONE } from "../lib/format.js";
import { changeOf } from "../lib/change.js";
import { Sparkline } from "../chart/sparkline.js";

export class FigureCard {
  #value = el("span", { class: "card-value" }, NONE);
  #change = el("span", { class: "card-change" });
  #note = el("span", { class: "card-note" });

  /** @param {{ label: string, unit: string, max?: number, colour?: number }} options */
  constructor({ label, unit, max, colour }) {
    this.unit = unit;
    this.#spark = new Sparkline({ max, colour });
    this.element = el(
      "section",
      { class: "card figure", "aria-label": label },
      el("h3", { class: "card-label" }, label),
      this.#value,
      this.#change,
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
    const change = series === undefined || value === null ? null : changeOf(series.track);
    setText(this.#change, change === null ? "" : formatChange(change.difference, this.unit));
    setAttribute(this.#change, "title", change === null ? undefined : `against ${change.seconds === 60 ? "a minute" : formatAge(change.seconds)} ago`);
    this.#spark.show(series?.track ?? null, window);
  }

  end() {
    this.#spark.end();
  }
}
