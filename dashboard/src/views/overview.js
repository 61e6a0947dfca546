// The fleet in four figures.

import { el, setAttribute, setText } from "../lib/dom.js";
import { formatBytes, formatValue, NONE } from "../lib/format.js";
import { StatusMark } from "../components/status.js";

export class Overview {
  #total = figure("Total hosts");
  #online = figure("Online");
  #cpu = figure("Average CPU");
  #memory = figure("Total memory");
  #mark = new StatusMark();

  constructor() {
    this.#online.note.append(this.#mark.element);
    this.element = el(
      "section",
      { class: "overview", "aria-label": "Fleet overview" },
      ...[this.#total, this.#online, this.#cpu, this.#memory].map((one) => one.element),
    );
  }

  /** @param {import("../state.js").Fleet} fleet */
  update({ summary, names }) {
    setAttribute(this.element, "aria-busy", summary === null ? "true" : undefined);
    setText(this.#total.value, summary === null ? NONE : String(summary.total_hosts));
    setText(this.#total.note, names.length === 1 ? names[0] : "");
    setText(this.#online.value, summary === null ? NONE : String(summary.online_hosts));
    this.#showDown(summary?.offline_hosts ?? 0, summary?.total_hosts ?? 0);
    const online = summary !== null && summary.online_hosts > 0;
    setText(this.#cpu.value, online ? formatValue(summary.avg_cpu_usage, "percent") : NONE);
    setText(this.#cpu.note, "of online hosts");
    setText(this.#memory.value, online ? formatBytes(summary.total_memory_used) : NONE);
    setText(this.#memory.note, "used by online hosts");
  }

  /**
   * @param {number} down
   * @param {number} total
   */
  #showDown(down, total) {
    this.#mark.element.hidden = total === 0;
    if (down > 0) this.#mark.show("offline", `${down} offline`);
    else this.#mark.show("online", "all up");
  }
}

/** @param {string} label */
function figure(label) {
  const value = el("span", { class: "card-value" }, NONE);
  const note = el("span", { class: "card-note" });
  const element = el("div", { class: "card" }, el("h2", { class: "card-label" }, label), value, note);
  return { element, value, note };
}
