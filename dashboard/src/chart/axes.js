// Grid and figures.

import { formatClock, formatDay, formatMinute, formatValue, formatWithin, zoneOffset } from "../lib/format.js";
import { timeTicks } from "./scale.js";

/** CSS pixels that a time needs. */
const TIME_WIDTH = 72;

/**
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {import("./palette.js").Palette} colours
 * @param {{ ticks: readonly number[], unit: string }} values
 */
export function drawAxes(surface, plot, colours, { ticks, unit }) {
  const { context, ratio } = surface;
  context.font = fontAt(colours.font, ratio);
  drawValues(surface, plot, colours, ticks, unit);
  drawTimes(surface, plot, colours);
}

/**
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {import("./palette.js").Palette} colours
 * @param {readonly number[]} ticks
 * @param {string} unit
 */
function drawValues(surface, plot, colours, ticks, unit) {
  const { context } = surface;
  const hair = Math.max(1, surface.px(1));
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticks) {
    const y = Math.round(plot.y(tick));
    context.fillStyle = tick === 0 ? colours.axis : colours.grid;
    context.fillRect(plot.left, y, plot.width, hair);
    context.fillStyle = colours.text;
    context.fillText(axisValue(tick, unit), plot.left - surface.px(8), y);
  }
}

/**
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {import("./palette.js").Palette} colours
 */
function drawTimes(surface, plot, colours) {
  const { context } = surface;
  const hair = Math.max(1, surface.px(1));
  const { from, to } = plot.window;
  const zone = zoneOffset(to);
  const ticks = timeTicks(from, to, Math.max(1, Math.floor(plot.width / surface.px(TIME_WIDTH))), zone);
  const format = ticks.some((tick) => tick % 60 !== 0) ? formatClock : formatMinute;
  const atMidnight = (/** @type {number} */ tick) => to - from > 7200 && (tick + zone) % 86_400 === 0;
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  for (const tick of ticks) {
    const x = Math.round(plot.x(tick));
    context.fillStyle = colours.grid;
    context.fillRect(x, plot.upper, hair, plot.floor - plot.upper);
    context.fillStyle = colours.text;
    const text = atMidnight(tick) ? formatDay(tick) : format(tick);
    const half = context.measureText(text).width / 2;
    const centre = Math.min(x, surface.width - half);
    plot.times.push([centre - half, centre + half]);
    context.fillText(text, centre, surface.height - surface.px(4));
  }
}

/**
 * The span that is being marked.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {import("./plot.js").TimeWindow} span
 * @param {import("./palette.js").Palette} colours
 */
export function drawSpan({ context, ratio }, plot, span, colours) {
  const left = Math.max(plot.left, plot.x(span.from));
  const right = Math.min(plot.right, plot.x(span.to));
  if (right <= left) return;
  const height = plot.floor - plot.upper;
  context.fillStyle = colours.accent;
  context.globalAlpha = 0.14;
  context.fillRect(left, plot.upper, right - left, height);
  context.globalAlpha = 0.7;
  for (const x of [left, right - ratio]) context.fillRect(Math.round(x), plot.upper, Math.max(1, ratio), height);
  context.globalAlpha = 1;
}

/**
 * The cursor: a line, and its time in place of those of the axis.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {number} time
 * @param {import("./palette.js").Palette} colours
 */
export function drawMoment(surface, plot, time, colours) {
  const { context, ratio } = surface;
  const x = Math.round(plot.x(time));
  context.fillStyle = colours.cursor;
  context.fillRect(x, plot.upper, Math.max(1, surface.px(1)), plot.floor - plot.upper);
  context.font = fontAt(colours.font, ratio);
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  const text = formatWithin(time, plot.window.to - plot.window.from);
  const half = context.measureText(text).width / 2 + surface.px(6);
  const centre = Math.min(x, surface.width - half);
  // Over what it touches of the axis as a whole, or a digit would stand out beside it.
  const touched = plot.times.filter(([left, right]) => right > centre - half && left < centre + half).flat();
  const [left, right] = [Math.min(centre - half, ...touched), Math.max(centre + half, ...touched)];
  context.fillStyle = colours.panel;
  context.fillRect(left, plot.floor + surface.px(2), right - left, surface.height - plot.floor);
  context.fillStyle = colours.strong;
  context.fillText(text, centre, surface.height - surface.px(4));
}

/**
 * Figures of an axis are round: `50%` and `2.5`, not `50.0%` and `2.50`.
 * @param {number} value
 * @param {string} unit
 */
function axisValue(value, unit) {
  return formatValue(value, unit)
    .replace(/(\.\d*?)0+(?!\d)/, "$1")
    .replace(/\.(?!\d)/, "");
}

/**
 * @param {string} font for a ratio of 1
 * @param {number} ratio
 */
function fontAt(font, ratio) {
  return ratio === 1 ? font : font.replace("11px", `${11 * ratio}px`);
}
