// Lines, areas and bands: one path a series, from points to pixels without anything in between.

import { BREAK, decimate } from "./decimate.js";
import { lowerBound, Track } from "./track.js";

/** @typedef {{ track: import("./track.js").Track, colour: string, dash?: boolean }} Stroke */

const AREA_ALPHA = 0.12;
const BAND_ALPHA = 0.18;
const STACK_ALPHA = 0.78;
/** Points a pixel column from which a line is its columns alone: bars are filled many times faster than a path. */
const DENSE = 1.5;
/** Device pixels up to which a line is made of two hairlines. */
const THIN = 2;

/**
 * @param {import("./plot.js").Plot} plot
 * @param {import("./track.js").Track} track
 * @param {{ times: Float64Array, values: Float64Array }} points
 */
function chosenOf(plot, track, { times, values }) {
  const { from, to } = plot.window;
  return decimate(times, values, { from, to, columns: plot.width, gap: track.gap });
}

/**
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {Stroke} stroke
 * @param {{ width?: number, area?: boolean }} style
 */
export function drawLine(surface, plot, stroke, { width = 1.5, area = false } = {}) {
  const { context } = surface;
  const points = stroke.track.points();
  const chosen = chosenOf(plot, stroke.track, points);
  if (area && !stroke.track.banded) fillBelow(context, plot, points, chosen, stroke.colour, AREA_ALPHA);
  const thickness = Math.max(1, width * surface.ratio);
  if (chosen.length > DENSE * plot.width) return drawColumns(context, plot, points, chosen, stroke.colour, thickness);
  context.strokeStyle = stroke.colour;
  context.lineJoin = "round";
  if (stroke.dash) context.setLineDash([surface.px(4), surface.px(3)]);
  const path = new Path2D();
  trace(path, plot, points, chosen);
  if (thickness > THIN) {
    context.lineWidth = thickness;
    context.stroke(path);
  } else strokeTwice(context, path, (thickness - 1) / 2);
  if (stroke.dash) context.setLineDash([]);
  drawLonely(surface, plot, points, chosen, stroke.colour);
}

/**
 * Two hairlines beside each other: browsers that paint without a graphics card have them for a seventh of the price of
 * one line of that width.
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {number} apart device pixels from the middle
 */
function strokeTwice(context, path, apart) {
  context.lineWidth = 1;
  context.translate(apart, apart);
  context.stroke(path);
  context.translate(-2 * apart, -2 * apart);
  context.stroke(path);
  context.translate(apart, apart);
}

/**
 * @param {Path2D} path
 * @param {import("./plot.js").Plot} plot
 * @param {{ times: Float64Array, values: Float64Array }} points
 * @param {Int32Array} chosen
 */
function trace(path, plot, { times, values }, chosen) {
  const { left, perSecond, lower, perValue } = plot;
  const { from } = plot.window;
  let drawing = false;
  for (let at = 0; at < chosen.length; at += 1) {
    const index = chosen[at];
    if (index === BREAK) {
      drawing = false;
      continue;
    }
    const x = left + (times[index] - from) * perSecond;
    const y = lower - values[index] * perValue;
    if (drawing) path.lineTo(x, y);
    else path.moveTo(x, y);
    drawing = true;
  }
}

/**
 * Each pixel column from its lowest to its highest point, joined to where the column before it ended.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./plot.js").Plot} plot
 * @param {{ times: Float64Array, values: Float64Array }} points
 * @param {Int32Array} chosen
 * @param {string} colour
 * @param {number} thickness
 */
function drawColumns(context, plot, { times, values }, chosen, colour, thickness) {
  context.fillStyle = colour;
  let [column, upper, lower, last] = [-1, Infinity, -Infinity, NaN];
  const flush = () => {
    if (upper <= lower) context.fillRect(column, upper - thickness / 2, 1, lower - upper + thickness);
  };
  for (let at = 0; at < chosen.length; at += 1) {
    const index = chosen[at];
    if (index === BREAK) {
      last = NaN;
      continue;
    }
    const here = Math.floor(plot.x(times[index]));
    const y = plot.y(values[index]);
    if (here !== column) {
      flush();
      column = here;
      upper = Number.isNaN(last) ? y : Math.min(y, last);
      lower = Number.isNaN(last) ? y : Math.max(y, last);
    } else if (y < upper) upper = y;
    else if (y > lower) lower = y;
    last = y;
  }
  flush();
}

/**
 * A stretch of one sample has no line: it is a dot.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {{ times: Float64Array, values: Float64Array }} points
 * @param {Int32Array} chosen
 * @param {string} colour
 */
function drawLonely({ context, ratio }, plot, { times, values }, chosen, colour) {
  context.fillStyle = colour;
  for (let at = 0; at < chosen.length; at += 1) {
    const index = chosen[at];
    const alone = (at === 0 || chosen[at - 1] === BREAK) && (at + 1 === chosen.length || chosen[at + 1] === BREAK);
    if (index === BREAK || !alone) continue;
    context.beginPath();
    context.arc(plot.x(times[index]), plot.y(values[index]), 1.5 * ratio, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * Areas on top of each other, the highest sum first, each covering the one before it.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {readonly Stroke[]} strokes sums, ascending
 * @param {string} ground
 * @param {string} edge the colour of what the sum reached between the points
 */
export function drawStack(surface, plot, strokes, ground, edge) {
  const { context } = surface;
  for (let at = strokes.length - 1; at >= 0; at -= 1) {
    const { track, colour } = strokes[at];
    const points = track.points();
    const chosen = chosenOf(plot, track, points);
    fillBelow(context, plot, points, chosen, ground, 1);
    fillBelow(context, plot, points, chosen, colour, STACK_ALPHA);
  }
  const top = strokes.at(-1)?.track;
  if (top === undefined || !top.banded) return;
  drawBand(surface, plot, { track: top, colour: edge });
  const { times, highs } = top.points();
  const reached = Track.over(times.slice(), highs.slice()); // a spike a pixel wide would be lost as a band alone
  reached.resolution = top.resolution;
  drawLine(surface, plot, { track: reached, colour: edge }, { width: 1 });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./plot.js").Plot} plot
 * @param {{ times: Float64Array, values: Float64Array }} points
 * @param {Int32Array} chosen
 * @param {string} colour
 * @param {number} alpha
 */
function fillBelow(context, plot, { times, values }, chosen, colour, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.beginPath();
  let start = 0;
  while (start < chosen.length) {
    let end = start;
    while (end < chosen.length && chosen[end] !== BREAK) end += 1;
    if (end > start) {
      context.moveTo(plot.x(times[chosen[start]]), plot.lower);
      for (let at = start; at < end; at += 1) context.lineTo(plot.x(times[chosen[at]]), plot.y(values[chosen[at]]));
      context.lineTo(plot.x(times[chosen[end - 1]]), plot.lower);
      context.closePath();
    }
    start = end + 1;
  }
  context.fill();
  context.globalAlpha = 1;
}

/**
 * From the lowest to the highest sample of each point, where points stand for many.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {Stroke} stroke
 */
export function drawBand({ context }, plot, { track, colour }) {
  if (!track.banded) return;
  const { times, lows, highs } = track.points();
  const first = Math.max(0, lowerBound(times, plot.window.from) - 1);
  const end = Math.min(times.length, lowerBound(times, plot.window.to) + 1);
  const gap = track.gap;
  context.globalAlpha = BAND_ALPHA;
  context.fillStyle = colour;
  context.beginPath();
  for (let start = first; start < end;) {
    let stop = start + 1;
    while (stop < end && times[stop] - times[stop - 1] <= gap) stop += 1;
    context.moveTo(plot.x(times[start]), plot.y(highs[start]));
    for (let at = start + 1; at < stop; at += 1) context.lineTo(plot.x(times[at]), plot.y(highs[at]));
    for (let at = stop - 1; at >= start; at -= 1) context.lineTo(plot.x(times[at]), plot.y(lows[at]));
    context.closePath();
    start = stop;
  }
  context.fill();
  context.globalAlpha = 1;
}
