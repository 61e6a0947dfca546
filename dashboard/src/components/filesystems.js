// File systems as bars: how full, how much of how much.

import { el, setChildren, setText } from "../lib/dom.js";
import { formatBytes, formatValue, NONE } from "../lib/format.js";
import { levelOf, showLevel } from "../lib/level.js";
import { Meter } from "./meter.js";

/** @typedef {{ row: HTMLElement, meter: Meter, percent: HTMLElement, space: HTMLElement, word: HTMLElement }} Row */

export class FileSystems {
  #list = el("ul", { class: "filesystems" });
  /** @type {Map<string, Row>} */
  #rows = new Map();

  constructor() {
    this.element = el(
      "div",
      { class: "panel", role: "group", "aria-label": "File systems" },
      el("header", { class: "panel-head" }, el("h3", { class: "panel-title" }, "File systems")),
      this.#list,
    );
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow | null} past
   */
  show(data, past) {
    const rows = data.family("disk.usage_percent").map((series) => this.#row(data, series, past));
    setChildren(this.#list, rows);
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../state.js").Series} series
   * @param {import("../chart/plot.js").TimeWindow | null} past
   */
  #row(data, series, past) {
    const known = this.#rows.get(series.tags) ?? this.#make(series);
    const reading = (/** @type {string} */ metric) => {
      const found = data.find(metric, series.tags);
      return found === undefined ? null : data.reading(found, past);
    };
    const percent = data.reading(series, past);
    const [used, total] = [reading("disk.used_bytes"), reading("disk.total_bytes")];
    known.meter.show(percent);
    setText(known.percent, formatValue(percent, "percent"));
    setText(known.space, used === null || total === null ? NONE : `${formatBytes(used)} of ${formatBytes(total)}`);
    showLevel(known.word, levelOf(percent));
    return known.row;
  }

  /** @param {import("../state.js").Series} series */
  #make(series) {
    const name = series.labels.get("mount") ?? series.tags;
    const meter = new Meter();
    const [percent, space, word] = [
      el("span", { class: "fs-percent" }),
      el("span", { class: "fs-space" }),
      el("span", { class: "level-word" }),
    ];
    const row = el(
      "li",
      { class: "fs" },
      el("bdi", { class: "fs-name", title: name }, name),
      word,
      space,
      percent,
      meter.element,
    );
    const known = { row, meter, percent, space, word };
    this.#rows.set(series.tags, known);
    return known;
  }
}
