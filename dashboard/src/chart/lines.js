// Lines and areas: one path a series.

import { BREAK, decimate } from "./decimate.js";

/** @typedef {{ track: import("./track.js").Track, colour: string, dash?: boolean }} Stroke */

const AREA_ALPHA = 0.12;
const STACK_ALPHA = 0.78;

/**
 * The stretches of a track as points in device pixels.
 * @param {import("./plot.js").Plot} plot
 * @param {import("./track.js").Track} track
 * @returns {number[][]} each `[x, y, x, y, …]`
 */
function stretches(plot, track) {
  const { times, values } = track.points();
  const { from, to } = plot.window;
  /** @type {number[][]} */
  const all = [];
  let current = null;
  for (const index of decimate(times, values, { from, to, columns: plot.width, gap: track.gap })) {
    if (index === BREAK) current = null;
    else {
      if (current === null) all.push((current = []));
      current.push(plot.x(times[index]), plot.y(values[index]));
    }
  }
  return all;
}

/**
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {Stroke} stroke
 * @param {{ width?: number, area?: boolean }} style
 */
export function drawLine(surface, plot, stroke, { width = 1.5, area = false } = {}) {
  const { context } = surface;
  const parts = stretches(plot, stroke.track);
  if (area) fillBelow(context, plot, parts, stroke.colour, AREA_ALPHA);
  context.strokeStyle = context.fillStyle = stroke.colour;
  context.lineWidth = Math.max(1, width * surface.ratio);
  context.lineJoin = "round";
  context.setLineDash(stroke.dash ? [surface.px(4), surface.px(3)] : []);
  context.beginPath();
  for (const part of parts) {
    context.moveTo(part[0], part[1]);
    for (let at = 2; at < part.length; at += 2) context.lineTo(part[at], part[at + 1]);
  }
  context.stroke();
  context.setLineDash([]);
  drawLonely(surface, parts);
}

/**
 * A stretch of one sample has no line: it is a dot.
 * @param {import("./surface.js").Surface} surface
 * @param {number[][]} parts
 */
function drawLonely({ context, ratio }, parts) {
  for (const part of parts) {
    if (part.length !== 2) continue;
    context.beginPath();
    context.arc(part[0], part[1], 1.5 * ratio, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * Areas on top of each other, the highest sum first, each covering the one before it.
 * @param {import("./surface.js").Surface} surface
 * @param {import("./plot.js").Plot} plot
 * @param {readonly Stroke[]} strokes sums, ascending
 * @param {string} ground
 */
export function drawStack({ context }, plot, strokes, ground) {
  for (const { track, colour } of strokes.toReversed()) {
    const parts = stretches(plot, track);
    fillBelow(context, plot, parts, ground, 1);
    fillBelow(context, plot, parts, colour, STACK_ALPHA);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./plot.js").Plot} plot
 * @param {number[][]} parts
 * @param {string} colour
 * @param {number} alpha
 */
function fillBelow(context, plot, parts, colour, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.beginPath();
  for (const part of parts) {
    context.moveTo(part[0], plot.lower);
    for (let at = 0; at < part.length; at += 2) context.lineTo(part[at], part[at + 1]);
    context.lineTo(part[part.length - 2], plot.lower);
    context.closePath();
  }
  context.fill();
  context.globalAlpha = 1;
}
