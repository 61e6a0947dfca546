// A host in a few figures, to stand beside others.

import { el, setAttribute, setText } from "../lib/dom.js";
import { clockWords, formatAge, formatValue, LOAD } from "../lib/format.js";
import { Meter } from "./meter.js";
import { StatusMark } from "./status.js";

const ROWS = [
  { metric: "cpu.total_usage", label: "CPU", unit: "percent" },
  { metric: "memory.usage_percent", label: "Mem", unit: "percent" },
  { metric: "load.avg_1m", label: "Load", unit: LOAD },
];

export class CompareCard {
  #status = new StatusMark();
  #clock = el("p", { class: "compare-clock muted" });
  #swatch = el("span", { class: "swatch", "aria-hidden": "true" });
  #rows = ROWS.map(({ metric, label, unit }) => {
    const value = el("dd", { class: "compare-value" });
    const meter = unit === "percent" ? new Meter() : null;
    const bar = meter ? [el("dd", { class: "compare-bar" }, meter.element)] : [];
    const element = el("div", { class: "compare-row" }, el("dt", {}, label), value, ...bar);
    return { metric, unit, value, meter, element };
  });

  /**
   * @param {string} hostname
   * @param {() => void} onOpen
   */
  constructor(hostname, onOpen) {
    const open = el(
      "button",
      { type: "button", class: "link-button", title: `${hostname}: show it alone` },
      el("bdi", {}, hostname),
    );
    open.addEventListener("click", onOpen);
    const head = el(
      "header",
      { class: "compare-head" },
      el("h3", { class: "compare-name" }, this.#swatch, open),
      this.#status.element,
    );
    this.element = el(
      "div",
      { class: "card compare-card", role: "group", "aria-label": hostname },
      head,
      this.#clock,
      el("dl", {}, ...this.#rows.map(({ element }) => element)),
    );
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../api.js").FleetHost | undefined} host
   * @param {number} colour
   */
  show(data, host, colour) {
    const offline = host?.status === "offline";
    const stale = offline || data.stale;
    setAttribute(this.#swatch, "data-series", colour + 1);
    setAttribute(this.element, "data-stale", stale);
    const words = stale ? "" : clockWords(data.clock.behind);
    this.#clock.hidden = words === "";
    setText(this.#clock, `${words}: shown by the server’s`);
    if (offline || !stale || data.age === Infinity) this.#status.show(offline ? "offline" : stale ? "stale" : "online");
    else this.#status.show("stale", `${formatAge(data.age)} old`);
    for (const { metric, unit, value, meter } of this.#rows) {
      const current = data.current(metric);
      setText(value, formatValue(current, unit));
      meter?.show(current);
    }
  }
}
