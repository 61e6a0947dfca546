// How hosts are compared: on one scale or each on its own, as they are or less a reference, with their own past or not.

import { el, setAttribute, setChildren } from "../lib/dom.js";

/** @typedef {import("../router.js").Words} Words */
/** @typedef {import("../views/compared_series.js").Group} Group */

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
  #metric = el("select", { class: "search compare-metric" });
  /** What it offers now, as text. */
  #offered = "";
  #past = el("select", { class: "search" }, ...PASTS.map(([value, text]) => el("option", { value }, text)));
  #hosts = "";

  /** @param {(words: Words) => void} onChange */
  constructor(onChange) {
    this.#one.addEventListener("click", () => onChange({ form: "" }));
    this.#each.addEventListener("click", () => onChange({ form: "each" }));
    this.#metric.addEventListener("change", () => onChange({ metric: this.#metric.value }));
    this.#ref.addEventListener("change", () => onChange({ ref: this.#ref.value, past: "" }));
    this.#past.addEventListener("change", () => onChange({ past: this.#past.value, ref: "" }));
    this.element = el(
      "div",
      { class: "fleet-bar", role: "group", "aria-label": "Form of the comparison" },
      el("div", { class: "segments", role: "group", "aria-label": "Charts" }, this.#one, this.#each),
      el("label", { class: "fleet-choice" }, el("span", { class: "muted" }, "Metric"), this.#metric),
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

  /**
   * @param {readonly Group[]} groups of series that can be compared
   * @param {{ key: string, title: string } | null} chosen
   */
  offer(groups, chosen) {
    const missing = chosen !== null && !groups.some(({ series }) => series.some(({ key }) => key === chosen.key));
    const all = missing ? [{ title: "None of these hosts", series: [chosen] }, ...groups] : groups;
    const text = JSON.stringify(all);
    if (text !== this.#offered) {
      const options = (/** @type {Group["series"]} */ series) =>
        series.map(({ key, title }) => el("option", { value: key }, title));
      this.#metric.replaceChildren(
        el("option", { value: "" }, "The main figures"),
        ...all.map(({ title, series }) => el("optgroup", { label: title }, ...options(series))),
      );
      this.#offered = text;
    }
    if (this.#metric.value !== (chosen?.key ?? "")) this.#metric.value = chosen?.key ?? "";
  }

  /** @param {readonly string[]} hosts */
  #fill(hosts) {
    setChildren(this.#ref, [
      el("option", { value: "" }, "As they are"),
      ...hosts.map((host) => el("option", { value: host }, `Less ${host}`)),
    ]);
  }
}
