// Paper: the page is laid out as wide as a sheet and in light colours, and all charts are drawn at once in that size,
// since a printer waits for no frame.

import { setAttribute } from "../lib/dom.js";
import { Signal } from "../lib/signal.js";
import { rereadPalette } from "./palette.js";
import { scheduler } from "./scheduler.js";

/** Sizes are others now. @type {Signal<void>} */
export const resized = new Signal();
/** All is looked at, wherever the screen is. @type {Signal<void>} */
export const shown = new Signal();

let theme = /** @type {string | null} */ (null);

/** @param {boolean} paper */
function turn(paper) {
  const page = document.documentElement;
  if (paper) theme = page.getAttribute("data-theme");
  setAttribute(page, "data-paper", paper);
  setAttribute(page, "data-theme", paper ? "light" : (theme ?? undefined));
  rereadPalette();
  resized.emit();
  if (paper) shown.emit();
  scheduler.flush();
}

window.addEventListener("beforeprint", () => turn(true));
window.addEventListener("afterprint", () => turn(false));
