// A chart over time: axes, lines or stacked areas on one canvas, the cursor on another, so that pointing redraws
// nothing.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatValue, formatWithin } from "../lib/format.js";
import { settingsChanged } from "../lib/settings.js";
import { drawAxes, drawMoment, drawSpan } from "./axes.js";
import { cursor } from "./cursor.js";
import { Gestures } from "./gestures.js";
import { ChartKeys } from "./keys.js";
import { drawBand, drawLine, drawStack } from "./lines.js";
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
 * @property {boolean} [past] whether the window ends before now
 * @property {boolean} [area] shade below the first line
 */

/** CSS pixels between two lines of the grid, at the least. */
const ROW_HEIGHT = 36;

export class TimeChart {
  /** @type {readonly Line[]} */
  lines = [];
  /** @type {import("./plot.js").TimeWindow} */
  window = { from: 0, to: 1 };
  visible = false;
  /** @type {Plot | null} */
  plot = null;
  #cursorDrawn = false;
  /** What the canvas shows now: nothing is drawn twice. */
  #drawn = "";
  /** @type {(() => void)[]} */
  #endings;

  /** @param {ChartOptions} options */
  constructor(options) {
    this.options = options;
    this.#base = new Surface(layer(), () => this.#resized());
    this.#over = new Surface(layer(), () => this.#drawCursor());
    this.#spoken = el("div", { class: "visually-hidden", "aria-live": "polite" });
    this.element = el(
      "div",
      // It takes keys: a reader of the screen has to hand them on, which it does not do for a picture.
      {
        class: "chart",
        role: "application",
        "aria-roledescription": "chart",
        tabindex: 0,
        "aria-label": options.title,
      },
      this.#base.canvas,
      this.#over.canvas,
    );
    this.holder = el("div", { class: "chart-holder" }, this.element, this.#spoken);
    new Gestures(this.element, this);
    new ChartKeys(this.element, this);
    this.#endings = [
      cursor.moved.listen(() => this.#drawCursor()),
      paletteChanged.listen(() => this.#redraw()),
      settingsChanged.listen(() => this.#redraw()),
      watchVisibility(this.element, (visible) => this.#shown(visible)),
    ];
  }
  #base;
  #over;
  #spoken;

  /** Device pixels a CSS pixel. */
  get ratio() {
    return this.#base.ratio;
  }

  /** Seconds between two samples. */
  get step() {
    return Math.max(1, this.lines[0]?.track.usualDistance() ?? 1);
  }

  /**
   * @param {readonly Line[]} lines
   * @param {import("./plot.js").TimeWindow} window
   */
  show(lines, window) {
    this.lines = lines;
    this.window = window;
    if (this.visible && this.#wanted() !== this.#drawn) scheduler.want(this);
  }

  end() {
    for (const ending of this.#endings) ending();
    this.#base.end();
    this.#over.end();
    scheduler.forget(this);
  }

  /** Called by the scheduler. */
  draw() {
    const surface = this.#base;
    if (surface.width === 0) return;
    this.#drawn = this.#wanted();
    surface.clear();
    const { unit, stacked, area } = this.options;
    const colours = palette();
    const tracks = stacked ? stack(this.lines.map((line) => line.track)) : this.lines.map((line) => line.track);
    const strokes = this.lines.map((line, index) => ({
      track: tracks[index],
      colour: colours.series[line.colour],
      dash: line.dash,
    }));
    const { top, bottom, ticks } = this.#scale(tracks);
    const plot = (this.plot = new Plot(surface, this.window, top, { bottom }));
    drawAxes(surface, plot, colours, { ticks, unit });
    clipped(surface, plot, () => {
      if (stacked) return drawStack(surface, plot, strokes, colours.panel, colours.text);
      for (const stroke of strokes) drawBand(surface, plot, stroke);
      strokes.forEach((stroke, index) => drawLine(surface, plot, stroke, { area: area && index === 0 }));
    });
    this.#drawCursor();
  }

  /** What it shows, in words, for the label of the picture. */
  describe() {
    const { title, span, unit, past } = this.options;
    setAttribute(this.element, "aria-label", summarise(title, span, unit, this.lines, this.window, past));
  }

  /** Tells the values under the cursor to those who do not see it. */
  speak() {
    const { time } = cursor;
    if (time === null) return;
    const values = this.lines.map(
      (line) => `${line.label} ${formatValue(line.track.valueAt(time), this.options.unit)}`,
    );
    setText(this.#spoken, `${formatWithin(time, this.window.to - this.window.from)}: ${values.join(", ")}`);
  }

  /**
   * The time of the sample that is nearest, so that the cursor stands on figures.
   * @param {number} time
   */
  nearest(time) {
    const track = this.lines[0]?.track;
    const index = track?.nearest(time) ?? -1;
    if (track === undefined || index < 0) return time;
    const found = track.points().times[index];
    return found >= this.window.from && found <= this.window.to ? found : time;
  }

  /** A canvas of another size is empty: it is drawn before it is seen. */
  #resized() {
    if (this.visible && this.lines.length > 0) this.draw();
    else this.#redraw();
  }

  #redraw() {
    this.#drawn = "";
    if (this.visible) scheduler.want(this);
  }

  /** What there is to draw, told apart from what was drawn. */
  #wanted() {
    const { from, to } = this.window;
    let text = `${from} ${to} ${this.options.max}`;
    for (const { track, colour } of this.lines) text += ` ${colour}:${track.id}:${track.version}`;
    return text;
  }

  /** @param {readonly import("./track.js").Track[]} tracks */
  #scale(tracks) {
    const { unit, max, floor } = this.options;
    const rows = Math.max(2, Math.floor((this.#base.height / this.ratio - 28) / ROW_HEIGHT));
    let [low, high] = [0, floor ?? 0];
    for (const track of tracks) [low, high] = extremes(track, this.window, low, high);
    const reached = high * 1.04;
    const highest = max ?? (unit === "percent" ? Math.min(100, reached) : reached); // sums of rounded shares pass 100
    return valueScale(highest, Math.min(rows, highest === 100 ? 4 : 5), unit.startsWith("bytes"), low * 1.04);
  }

  #drawCursor() {
    const surface = this.#over;
    const { plot } = this;
    const { time, span } = cursor;
    if (this.#cursorDrawn) surface.clear(); // an untouched canvas is not composed anew
    this.#cursorDrawn = false;
    if (plot === null || !this.visible) return;
    const inside = time !== null && time >= plot.window.from && time <= plot.window.to;
    if (!inside && span === null) return;
    this.#cursorDrawn = true;
    const colours = palette();
    if (span !== null) drawSpan(surface, plot, span, colours);
    if (!inside) return;
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

  /** @param {boolean} visible */
  #shown(visible) {
    this.visible = visible;
    if (visible && this.#wanted() !== this.#drawn) scheduler.want(this);
  }
}

/** What it shows is told by the chart's label and, at the cursor, in words. */
const layer = () => el("canvas", { class: "chart-layer", "aria-hidden": "true" });

/**
 * The lowest and highest value in a window, and of those given.
 * @param {import("./track.js").Track} track
 * @param {import("./plot.js").TimeWindow} window
 * @param {number} low
 * @param {number} high
 * @returns {[number, number]}
 */
function extremes(track, { from, to }, low, high) {
  const { times, lows, highs } = track.points();
  const end = lowerBound(times, to + 1e-6);
  for (let index = lowerBound(times, from); index < end; index += 1) {
    if (highs[index] > high) high = highs[index];
    if (lows[index] < low) low = lows[index];
  }
  return [low, high];
}

/**
 * @param {Surface} surface
 * @param {Plot} plot
 * @param {() => void} body
 */
function clipped({ context, ratio }, plot, body) {
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.upper - ratio, plot.width, plot.floor - plot.upper + 2 * ratio);
  context.clip();
  body();
  context.restore();
}
