// How hosts are compared: on one scale or each on its own, as they are or less a reference, with their own past or not.

import { el, setAttribute, setChildren } from "../lib/dom.js";

/** @typedef {import("../router.js").Words} Words */

/** @type {[string, string][]} */
const PASTS = [
  ["", "Only this time"],
  ["1h", "And an hour before"],
  ["1d", "And the day before"],
  ["7d", "And the week before"],
];

export class CompareBar {
  #one = el("button", { type: "button" }, "One chart");
  #each = el("button", { type: "button" }, "Each its own");
  #ref = el("select", { class: "search" });
  #past = el("select", { class: "search" }, ...PASTS.map(([value, text]) => el("option", { value }, text)));
  #hosts = "";

  /** @param {(words: Words) => void} onChange */
  constructor(onChange) {
    this.#one.addEventListener("click", () => onChange({ form: "" }));
    this.#each.addEventListener("click", () => onChange({ form: "each" }));
    this.#ref.addEventListener("change", () => onChange({ ref: this.#ref.value, past: "" }));
    this.#past.addEventListener("change", () => onChange({ past: this.#past.value, ref: "" }));
    this.element = el(
      "div",
      { class: "fleet-bar", role: "group", "aria-label": "Form of the comparison" },
      el("div", { class: "segments", role: "group", "aria-label": "Charts" }, this.#one, this.#each),
      el("label", { class: "fleet-choice" }, el("span", { class: "muted" }, "Values"), this.#ref),
      el("label", { class: "fleet-choice" }, el("span", { class: "muted" }, "Past"), this.#past),
    );
  }

  /**
   * @param {readonly string[]} hosts
   * @param {Words} words
   */
  show(hosts, { form, ref, past }) {
    const key = JSON.stringify(hosts);
    if (key !== this.#hosts) this.#fill(hosts);
    this.#hosts = key;
    setAttribute(this.#one, "aria-pressed", String(form !== "each"));
    setAttribute(this.#each, "aria-pressed", String(form === "each"));
    this.#ref.value = ref && hosts.includes(ref) ? ref : "";
    this.#past.value = past ?? "";
  }

  /** @param {readonly string[]} hosts */
  #fill(hosts) {
    setChildren(this.#ref, [
      el("option", { value: "" }, "As they are"),
      ...hosts.map((host) => el("option", { value: host }, `Less ${host}`)),
    ]);
  }
}
