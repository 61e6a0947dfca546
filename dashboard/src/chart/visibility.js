// Whether a chart is on screen, or nearly: only then is it drawn.

import { scheduler } from "./scheduler.js";

/** CSS pixels before the edge of the screen where drawing begins. */
const NEAR = "200px";

/** @type {WeakMap<Element, (visible: boolean) => void>} */
const callbacks = new WeakMap();

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) callbacks.get(entry.target)?.(entry.isIntersecting);
  },
  { rootMargin: NEAR },
);

/** All of them, for paper. @type {Set<(visible: boolean) => void>} */
const all = new Set();
window.addEventListener("beforeprint", () => {
  for (const callback of all) callback(true);
  scheduler.flush();
});

/**
 * @param {Element} element
 * @param {(visible: boolean) => void} callback
 * @returns {() => void} ends the watch
 */
export function watchVisibility(element, callback) {
  callbacks.set(element, callback);
  all.add(callback);
  observer.observe(element);
  return () => {
    all.delete(callback);
    observer.unobserve(element);
  };
}
