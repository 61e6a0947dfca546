// What stands where a part of the page whose code could not be fetched would be.

import { el } from "../lib/dom.js";
import { Signal } from "../lib/signal.js";

/** To be told when the server answers again: what could not be fetched is tried once more. @type {Signal<void>} */
export const linkIsBack = new Signal();

/**
 * @param {() => void} onAgain called once, when the reader wants it or the server answers again
 * @returns {HTMLElement} gone when it is tried again
 */
export function notLoaded(onAgain) {
  const button = el("button", { type: "button", class: "link-button" }, "Try again");
  const element = el("p", { class: "muted not-loaded", role: "alert" }, "This part could not be loaded — ", button);
  const ending = linkIsBack.listen(() => again());
  const again = () => {
    ending();
    if (!element.isConnected) return; // the reader went elsewhere
    element.remove();
    onAgain();
  };
  button.addEventListener("click", again);
  return element;
}

/** In place of a whole view. */
export class NotLoaded {
  /** @param {() => void} onAgain */
  constructor(onAgain) {
    this.element = el("article", { class: "notice", "aria-label": "Not loaded" }, notLoaded(onAgain));
  }
  update() {}
  end() {}
}
