// Colours of the charts, read from the style sheet, so that they stand in one place and follow the theme.

import { Signal } from "../lib/signal.js";

/**
 * @typedef {object} Palette
 * @property {string} grid
 * @property {string} axis
 * @property {string} text
 * @property {string} strong
 * @property {string} cursor
 * @property {string} panel
 * @property {string} accent
 * @property {string} font
 * @property {string[]} series
 */

/** As many as the style sheet names: the eight hosts that can be compared. */
export const SERIES_COLOURS = 8;

/** @type {Signal<void>} */
export const paletteChanged = new Signal();

/** @type {Palette | null} */
let current = null;

/** @returns {Palette} */
export function palette() {
  current ??= read();
  return current;
}

/** To be called when the theme has changed. */
export function rereadPalette() {
  current = null;
  paletteChanged.emit();
}

/** @returns {Palette} */
function read() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    grid: colour("--chart-grid"),
    axis: colour("--chart-axis"),
    text: colour("--text-muted"),
    cursor: colour("--border-strong"),
    strong: colour("--text"),
    panel: colour("--panel"),
    accent: colour("--accent"),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    series: Array.from({ length: SERIES_COLOURS }, (_, index) => colour(`--series-${index + 1}`)),
  };
}
