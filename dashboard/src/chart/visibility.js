// Whether a chart is on screen, or nearly: only then is it drawn.

import { shown } from "./paper.js";

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

/**
 * @param {Element} element
 * @param {(visible: boolean) => void} callback
 * @returns {() => void} ends the watch
 */
export function watchVisibility(element, callback) {
  callbacks.set(element, callback);
  observer.observe(element);
  const ending = shown.listen(() => callback(true));
  return () => {
    ending();
    observer.unobserve(element);
  };
}
