// A line without axes, for a card.

import { el } from "../lib/dom.js";
import { drawLine } from "./lines.js";
import { palette, paletteChanged } from "./palette.js";
import { Plot } from "./plot.js";
import { scheduler } from "./scheduler.js";
import { Surface } from "./surface.js";

export class Sparkline {
  /** @type {import("./track.js").Track | null} */
  #track = null;
  #window = { from: 0, to: 1 };
  #drawn = "";
  #ending;

  /** @param {{ max?: number, colour?: number }} options `max`: a fixed upper edge; else it is the highest value */
  constructor({ max, colour = 0 } = {}) {
    this.max = max;
    this.colour = colour;
    this.element = el("canvas", { class: "sparkline", "aria-hidden": "true" });
    this.#surface = new Surface(this.element, () => this.draw());
    this.#ending = paletteChanged.listen(() => scheduler.want(this));
  }
  #surface;

  /**
   * @param {import("./track.js").Track | null} track
   * @param {import("./plot.js").TimeWindow} window
   */
  show(track, window) {
    if (track === null && this.#drawn === "") return; // an empty canvas is one
    this.#track = track;
    this.#window = window;
    const pixels = Math.round((window.to * this.#surface.width) / (window.to - window.from));
    const wanted = `${track?.id} ${track?.version} ${pixels}`; // less than a pixel is no change
    if (wanted !== this.#drawn) scheduler.want(this);
    this.#drawn = wanted;
  }

  end() {
    this.#ending();
    this.#surface.end();
    scheduler.forget(this);
  }

  draw() {
    const surface = this.#surface;
    surface.clear();
    if (this.#track === null || surface.width === 0) return;
    const highest = this.#track.points().values.reduce((most, value) => Math.max(most, value), 0);
    const plot = new Plot(surface, this.#window, this.max ?? (highest * 1.1 || 1), { bare: true });
    drawLine(surface, plot, { track: this.#track, colour: palette().series[this.colour] }, { width: 1.25, area: true });
  }
}
