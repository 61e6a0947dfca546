// The ends of a stretch of time, written by hand.

import { el, setText } from "../lib/dom.js";
import { settings } from "../lib/settings.js";
import { formatDateText, formatMomentText, parseRange } from "../time_range.js";

export class TimeForm {
  #from = el("input", { type: "text", class: "search", "aria-label": "From", spellcheck: "false" });
  #to = el("input", { type: "text", class: "search", "aria-label": "To", spellcheck: "false" });
  #hint = el("p", { class: "muted" });
  #wrong = el("p", { class: "level-word", role: "alert" });

  /** @param {(range: import("../time_range.js").Range) => void} onRange */
  constructor(onRange) {
    this.onRange = onRange;
    this.element = el(
      "form",
      { class: "time-form panel" },
      el("label", {}, "From ", this.#from),
      el("label", {}, "To ", this.#to),
      this.#hint,
      this.#wrong,
      el("button", { type: "submit", class: "button" }, "Show"),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
  }

  /** @param {import("../time_range.js").Range} range */
  fill({ from, to }) {
    this.#from.value = editable(from);
    this.#to.value = editable(to);
    const zone = settings.zone === "utc" ? "UTC" : "local time";
    setText(this.#hint, `As now-2h, now, or 2026-01-31 09:00 (${zone})`);
    setText(this.#wrong, "");
    this.#from.focus();
  }

  #apply() {
    const range = parseRange(this.#from.value, this.#to.value);
    setText(this.#wrong, range === null ? "That is no stretch of time between 5 seconds and 400 days." : "");
    if (range !== null) this.onRange(range);
  }
}

/** @param {import("../time_range.js").Moment} moment */
function editable(moment) {
  return "at" in moment ? formatDateText(moment.at) : formatMomentText(moment);
}
