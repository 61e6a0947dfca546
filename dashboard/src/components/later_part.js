// A part of the page that is closed until somebody opens it, and made of code that is loaded then.

import { el, setText } from "../lib/dom.js";
import { notLoaded } from "./not_loaded.js";

/** @template {{ element: HTMLElement }} Content */
export class LaterPart {
  #note = el("span", { class: "muted" });
  /** @type {HTMLElement | null} */
  #failed = null;
  /** @type {Content | null} */
  #content = null;
  /** @type {(content: Content) => void} */
  #draw = () => {};

  /**
   * @param {string} title
   * @param {() => Promise<Content>} make called once, when it is first opened
   */
  constructor(title, make) {
    this.element = el("details", { class: "panel all-values" }, el("summary", {}, `${title} `, this.#note));
    const opened = async () => {
      try {
        this.#content ??= await make();
      } catch {
        this.#failed?.remove();
        this.element.append((this.#failed = notLoaded(() => void opened())));
        return;
      }
      if (this.#content.element.parentNode === null) this.element.append(this.#content.element);
      this.update();
    };
    this.element.addEventListener("toggle", () => this.element.open && void opened());
  }

  /** @param {string} text beside the title */
  note(text) {
    setText(this.#note, text);
  }

  /** @param {(content: Content) => void} [draw] what shows it as it is now; called only while it is open */
  update(draw = this.#draw) {
    this.#draw = draw;
    if (this.element.open && this.#content !== null) draw(this.#content);
  }
}
