// A chart over time: axes, lines or stacked areas on one canvas, the cursor on another, so that pointing redraws
// nothing.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatClock, formatValue } from "../lib/format.js";
import { drawAxes, drawMoment } from "./axes.js";
import { cursor } from "./cursor.js";
import { drawLine, drawStack } from "./lines.js";
import { palette, paletteChanged } from "./palette.js";
import { Plot } from "./plot.js";
import { valueScale } from "./scale.js";
import { scheduler } from "./scheduler.js";
import { stack } from "./stack.js";
import { summarise } from "./summary.js";
import { Surface } from "./surface.js";
import { lowerBound } from "./track.js";
import { watchVisibility } from "./visibility.js";

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {number} colour from 0
 * @property {import("./track.js").Track} track
 * @property {boolean} [dash]
 *
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} span what the window is called: "last 5 minutes"
 * @property {string} unit
 * @property {number} [max] a fixed upper edge
 * @property {number} [floor] the least upper edge
 * @property {boolean} [stacked]
 * @property {boolean} [area] shade below the first line
 */

/** CSS pixels between two lines of the grid, at the least. */
const ROW_HEIGHT = 36;

export class TimeChart {
  /** @type {readonly Line[]} */
  lines = [];
  /** @type {import("./plot.js").TimeWindow} */
  window = { from: 0, to: 1 };
  #visible = false;
  #cursorDrawn = false;
  /** @type {Plot | null} */
  #plot = null;
  /** @type {(() => void)[]} */
  #endings;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.#base = new Surface(el("canvas", { class: "chart-layer" }), () => this.draw());
    this.#over = new Surface(el("canvas", { class: "chart-layer" }), () => this.#drawCursor());
    this.#spoken = el("div", { class: "visually-hidden", "aria-live": "polite" });
    this.element = el("div", { class: "chart", role: "img", tabindex: 0, "aria-label": options.title }, this.#base.canvas, this.#over.canvas);
    this.holder = el("div", { class: "chart-holder" }, this.element, this.#spoken);
    this.#listen();
    this.#endings = [
      cursor.moved.listen(() => this.#drawCursor()),
      paletteChanged.listen(() => this.changed()),
      watchVisibility(this.element, (visible) => this.#shown(visible)),
    ];
  }
  #base;
  #over;
  #spoken;

  /**
   * @param {readonly Line[]} lines
   * @param {import("./plot.js").TimeWindow} window
   */
  show(lines, window) {
    this.lines = lines;
    this.window = window;
    this.changed();
  }

  changed() {
    if (this.#visible) scheduler.want(this);
  }

  end() {
    for (const ending of this.#endings) ending();
    this.#base.end();
    this.#over.end();
    scheduler.forget(this);
  }

  draw() {
    const surface = this.#base;
    if (surface.width === 0) return;
    surface.clear();
    const { unit, stacked, area } = this.options;
    const colours = palette();
    const tracks = stacked ? stack(this.lines.map((line) => line.track)) : this.lines.map((line) => line.track);
    const strokes = this.lines.map((line, index) => ({ track: tracks[index], colour: colours.series[line.colour], dash: line.dash }));
    const scale = this.#scale(tracks);
    const plot = (this.#plot = new Plot(surface, this.window, scale.top));
    drawAxes(surface, plot, colours, { ticks: scale.ticks, unit });
    clipped(surface, plot, () => {
      if (stacked) drawStack(surface, plot, strokes, colours.panel);
      else strokes.forEach((stroke, index) => drawLine(surface, plot, stroke, { area: area && index === 0 }));
    });
    this.#drawCursor();
  }

  /** What it shows, in words, for the label of the picture. */
  describe() {
    const { title, span, unit } = this.options;
    setAttribute(this.element, "aria-label", summarise(title, span, unit, this.lines, this.window.from));
  }

  /** @param {readonly import("./track.js").Track[]} tracks */
  #scale(tracks) {
    const { unit, max, floor } = this.options;
    const rows = Math.max(2, Math.floor((this.#base.height / this.#base.ratio - 28) / ROW_HEIGHT));
    const reached = Math.max(floor ?? 0, ...tracks.map((track) => highestFrom(track, this.window.from))) * 1.04;
    const highest = max ?? (unit === "percent" ? Math.min(100, reached) : reached); // sums of rounded shares pass 100
    return valueScale(highest, Math.min(rows, highest === 100 ? 4 : 5), unit.startsWith("bytes"));
  }

  #drawCursor() {
    const surface = this.#over;
    const plot = this.#plot;
    const time = cursor.time;
    if (this.#cursorDrawn) surface.clear(); // an untouched canvas is not composed anew
    this.#cursorDrawn = plot !== null && time !== null && time >= plot.window.from && time <= plot.window.to;
    if (!this.#cursorDrawn || plot === null || time === null) return;
    const colours = palette();
    drawMoment(surface, plot, time, colours);
    if (!this.options.stacked) this.#drawDots(plot, time, colours);
  }

  /**
   * @param {Plot} plot
   * @param {number} time
   * @param {import("./palette.js").Palette} colours
   */
  #drawDots(plot, time, colours) {
    const { context, ratio } = this.#over;
    for (const line of this.lines) {
      const value = line.track.valueAt(time);
      if (value === null) continue;
      context.beginPath();
      context.arc(plot.x(time), plot.y(value), 3 * ratio, 0, 2 * Math.PI);
      context.fillStyle = colours.series[line.colour];
      context.fill();
      context.lineWidth = ratio;
      context.strokeStyle = colours.panel;
      context.stroke();
    }
  }

  #listen() {
    const { element } = this;
    element.addEventListener("pointermove", (event) => this.#point(event));
    element.addEventListener("pointerdown", (event) => this.#point(event));
    element.addEventListener("pointerleave", () => cursor.move(null));
    element.addEventListener("blur", () => cursor.move(null));
    element.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (this.#plot === null) return;
    const x = (event.clientX - this.element.getBoundingClientRect().left) * this.#base.ratio;
    cursor.move(this.#nearestMoment(this.#plot.timeAt(x)));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (event.key === "Escape") cursor.move(null);
    if (step === undefined) return;
    event.preventDefault();
    const { from, to } = this.window;
    const width = Math.max(1, this.lines[0]?.track.usualDistance() ?? 1);
    const target = cursor.time === null ? to : Math.min(to, Math.max(from, cursor.time + step * width));
    cursor.move(this.#nearestMoment(target));
    this.#speak();
  }

  #speak() {
    const time = cursor.time;
    if (time === null) return;
    const values = this.lines.map((line) => `${line.label} ${formatValue(line.track.valueAt(time), this.options.unit)}`);
    setText(this.#spoken, `${formatClock(time)}: ${values.join(", ")}`);
  }

  /**
   * The time of the sample that is nearest, so that the cursor stands on figures.
   * @param {number} time
   */
  #nearestMoment(time) {
    const times = this.lines[0]?.track.points().times;
    if (times === undefined || times.length === 0) return time;
    const after = Math.min(lowerBound(times, time), times.length - 1);
    const before = Math.max(0, after - 1);
    return Math.abs(times[after] - time) < Math.abs(times[before] - time) ? times[after] : times[before];
  }

  /** @param {boolean} visible */
  #shown(visible) {
    this.#visible = visible;
    this.changed();
  }
}

/**
 * @param {import("./track.js").Track} track
 * @param {number} from
 */
function highestFrom(track, from) {
  const { times, values } = track.points();
  let highest = 0;
  for (let index = lowerBound(times, from); index < values.length; index += 1) {
    if (values[index] > highest) highest = values[index];
  }
  return highest;
}

/**
 * @param {Surface} surface
 * @param {Plot} plot
 * @param {() => void} body
 */
function clipped({ context, ratio }, plot, body) {
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.upper - ratio, plot.width, plot.lower - plot.upper + 2 * ratio);
  context.clip();
  body();
  context.restore();
}
