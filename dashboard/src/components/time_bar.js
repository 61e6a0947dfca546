// Which stretch of time is shown: presets, a step back and forth, pause, ends of one's own, and how fine the points
// are.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatAge } from "../lib/format.js";
import { notLoaded } from "./not_loaded.js";
import * as time from "../time_range.js";

/** @typedef {import("../time_range.js").Range} Range */

/**
 * @typedef {object} Actions
 * @property {(range: Range) => void} onRange
 * @property {() => void} onBack to the range before the last zoom
 * @property {() => void} onExplain
 * @property {() => void} onRetry
 */

/**
 * @typedef {object} About
 * @property {number} resolution seconds between two points; 0 where nobody knows
 * @property {boolean} loading
 * @property {string} error
 * @property {boolean} zoomed whether there is a way back
 * @property {boolean} alone whether one host is looked at
 * @property {number} now where time ends, Unix seconds
 */

export class TimeBar {
  /** @type {{ seconds: number, button: HTMLButtonElement }[]} */
  #presets;
  #pause = iconButton("pause", "Pause");
  #back = iconButton("back", "Back to the range before (double-click on a chart)");
  #later = iconButton("later", "Later");
  #explain = el("button", { type: "button", class: "button" }, "What moved?");
  #words = el("span", { class: "time-words" });
  #resolution = el("span", { class: "time-resolution" });
  /** Paper does not move on: "last 5 minutes" tells nothing there. */
  #exact = el("span", { class: "on-paper" });
  /** @type {HTMLElement | null} */
  #failed = null;
  /** @type {import("./time_form.js").TimeForm | null} */
  #form = null;
  #details = el("details", { class: "time-custom" });
  #error = el("span", { class: "time-error", role: "alert" });
  /** @type {Range} */
  #range = time.LIVE;
  #window = { from: 0, to: 1 };
  #now = Infinity;
  /** What "Live" returns to. @type {Range} */
  #followed = time.LIVE;

  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.#presets = time.PRESETS.map((seconds) => this.#preset(seconds));
    const [earlier, later] = [iconButton("earlier", "Earlier"), this.#later];
    const wider = iconButton("wider", "Zoom out");
    const explain = this.#explain;
    setAttribute(explain, "title", "Which values moved most in this stretch of time, against the time before");
    const retry = el("button", { type: "button", class: "link-button" }, "Try again");
    earlier.addEventListener("click", () => this.move(-0.5));
    later.addEventListener("click", () => this.move(0.5));
    wider.addEventListener("click", () => this.#widen());
    explain.addEventListener("click", () => actions.onExplain());
    retry.addEventListener("click", () => actions.onRetry());
    this.#back.addEventListener("click", () => actions.onBack());
    this.#pause.addEventListener("click", () => this.togglePause());
    addEventListener("beforeprint", () => setText(this.#exact, time.describeWindow(this.#window)));
    this.#error.append(el("span"), " ", retry);
    this.#makeCustom();
    this.element = el(
      "section",
      { class: "timebar", "aria-label": "Time" },
      el("div", { class: "segments presets" }, ...this.#presets.map(({ button }) => button)),
      el("div", { class: "icon-buttons" }, this.#pause, earlier, later, wider, this.#back),
      this.#details,
      this.#exact,
      this.#error,
      explain,
    );
  }

  /**
   * @param {Range} range
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {About} about
   */
  show(range, window, { resolution, loading, error, zoomed, alone, now }) {
    this.#now = now;
    this.#later.disabled = this.#atNow(range, window);
    this.#explain.hidden = !alone;
    this.#range = range;
    this.#window = window;
    const followed = time.followedSeconds(range);
    if (followed !== null) this.#followed = range;
    for (const { seconds, button } of this.#presets) setAttribute(button, "aria-pressed", String(seconds === followed));
    if (!this.element.hidden && followed !== this.#revealed) this.#reveal(followed);
    const paused = !time.follows(range);
    setAttribute(this.#pause, "data-icon", paused ? "play" : "pause");
    setAttribute(this.#pause, "aria-label", paused ? "Live" : "Pause");
    setAttribute(this.#pause, "title", paused ? "Back to live" : "Pause: keep this picture, also in the address");
    this.#back.disabled = !zoomed;
    setText(this.#words, time.describeRange(range, window));
    setText(this.#resolution, loading ? "loading…" : resolution > 0 ? `a point each ${formatAge(resolution)}` : "");
    this.#error.hidden = error === "";
    if (this.#error.firstChild !== null) setText(this.#error.firstChild, error);
  }

  /** @param {number} seconds */
  #preset(seconds) {
    const range = time.lastSeconds(seconds);
    const button = el("button", { type: "button", title: time.describeRange(range, this.#window) });
    setText(button, time.shortSpan(seconds));
    button.addEventListener("click", () => this.actions.onRange(range));
    return { seconds, button };
  }

  /**
   * On a phone not all presets fit: the strip that they lie in is scrolled to the one in force. In the frame after this
   * one: where things lie is known then, and to ask now would lay out a page that is half made.
   * @param {number | null} followed
   */
  #reveal(followed) {
    this.#revealed = followed;
    const button = this.#presets.find(({ seconds }) => seconds === followed)?.button;
    const strip = button?.parentElement;
    if (button === undefined || !strip) return;
    const middle = (/** @type {DOMRect} */ { left, right }) => (left + right) / 2;
    requestAnimationFrame(() => {
      strip.scrollLeft += middle(button.getBoundingClientRect()) - middle(strip.getBoundingClientRect());
    });
  }
  /** @type {number | null} */
  #revealed = null;

  togglePause() {
    this.actions.onRange(time.follows(this.#range) ? time.between(rounded(this.#window)) : this.#followed);
  }

  /** @param {number} share of the span */
  move(share) {
    const { from, to } = this.#window;
    if (share > 0 && this.#atNow(this.#range, this.#window)) return;
    const by = (to - from) * share;
    this.#choose({ from: from + by, to: to + by });
  }

  /** Whether there is nothing later. @param {Range} range @param {import("../chart/plot.js").TimeWindow} window */
  #atNow(range, window) {
    return time.follows(range) || window.to >= this.#now - 1;
  }

  #widen() {
    const { from, to } = this.#window;
    const half = (to - from) / 2;
    const followed = time.followedSeconds(this.#range);
    if (followed !== null) this.actions.onRange(time.lastSecondsWithinReach(2 * followed));
    else this.#choose({ from: from - half, to: to + half });
  }

  /** @param {import("../chart/plot.js").TimeWindow} window */
  #choose(window) {
    this.actions.onRange(time.between(rounded(time.withinReach(window, this.#now))));
  }

  #makeCustom() {
    const details = this.#details;
    const words = el("span", { class: "time-told" }, this.#words, " ", this.#resolution);
    details.append(el("summary", { class: "button time-summary" }, words));
    details.addEventListener("toggle", () => details.open && void this.#openForm());
    details.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !details.open) return;
      event.stopPropagation();
      details.open = false;
      details.querySelector("summary")?.focus();
    });
  }

  async #openForm() {
    this.#failed?.remove();
    try {
      const { TimeForm } = await import("./time_form.js");
      this.#form ??= new TimeForm((range) => {
        this.#details.open = false;
        this.actions.onRange(range);
      });
    } catch {
      this.#details.append((this.#failed = notLoaded(() => void this.#openForm())));
      return;
    }
    if (this.#form.element.parentNode === null) this.#details.append(this.#form.element);
    this.#form.fill(this.#range);
  }
}

/** Whole seconds are easier to read in an address. @param {import("../chart/plot.js").TimeWindow} window */
function rounded({ from, to }) {
  return { from: Math.round(from), to: Math.round(to) };
}

/**
 * @param {string} icon
 * @param {string} label
 */
function iconButton(icon, label) {
  return el("button", { type: "button", class: "icon-button", "data-icon": icon, "aria-label": label, title: label });
}
