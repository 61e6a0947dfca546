// The fleet in four figures, and the way to the hosts that are in trouble.

import { SEARCHES } from "../fleet/trouble.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { formatBytes, formatValue, NONE } from "../lib/format.js";
import { StatusMark } from "../components/status.js";
import { formatRoute } from "../router.js";
import { LIVE } from "../time_range.js";

/** @typedef {import("../fleet/trouble.js").Counts} Counts */

/** How each is marked. @type {Record<keyof Counts, import("../components/status.js").Status>} */
const MARKS = { offline: "offline", stale: "stale", high: "high" };

export class Overview {
  #total = figure("Total hosts", "", " hosts");
  #online = figure("Online");
  #cpu = figure("Average CPU", "CPU ");
  #memory = figure("Total memory");
  #up = new StatusMark();
  #links;

  /** @param {(q: string) => void} onSearch */
  constructor(onSearch) {
    this.#links = /** @type {(keyof Counts)[]} */ (Object.keys(SEARCHES)).map((kind) => troubleLink(kind, onSearch));
    this.#online.note.append(this.#up.element, ...this.#links.map(({ link }) => link));
    this.#online.element.classList.add("overview-online");
    this.#up.show("online", "all up");
    this.element = el(
      "section",
      { class: "overview", "aria-label": "Fleet overview" },
      ...[this.#total, this.#online, this.#cpu, this.#memory].map((one) => one.element),
    );
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {import("../router.js").ViewName} view
   */
  update({ summary, names, counts }, view) {
    setAttribute(this.element, "aria-busy", summary === null ? "true" : undefined);
    setAttribute(this.element, "data-alone", names.length === 1 && view === "single");
    setText(this.#total.value, summary === null ? NONE : String(summary.total_hosts));
    setText(this.#total.unit, summary?.total_hosts === 1 ? " host" : " hosts");
    setText(this.#total.note, names.length === 1 ? names[0] : "");
    setText(this.#online.value, summary === null ? NONE : String(summary.online_hosts));
    this.#showTrouble({ ...counts, offline: summary?.offline_hosts ?? 0 }, summary?.total_hosts ?? 0);
    const online = summary !== null && summary.online_hosts > 0;
    setText(this.#cpu.value, online ? formatValue(summary.avg_cpu_usage, "percent") : NONE);
    setText(this.#cpu.note, "of online hosts");
    setText(this.#memory.value, online ? formatBytes(summary.total_memory_used) : NONE);
    setText(this.#memory.note, "used by online hosts");
  }

  /**
   * @param {Counts} counts
   * @param {number} total
   */
  #showTrouble(counts, total) {
    this.#up.element.hidden = total === 0 || counts.offline > 0;
    for (const { kind, link, mark } of this.#links) {
      link.hidden = counts[kind] === 0;
      mark.show(MARKS[kind], `${counts[kind]} ${kind}`);
    }
  }
}

/**
 * A link as every other: it can be opened beside this page, and sent to somebody.
 * @param {keyof Counts} kind
 * @param {(q: string) => void} onSearch
 */
function troubleLink(kind, onSearch) {
  const q = SEARCHES[kind];
  const mark = new StatusMark();
  const href = formatRoute({ view: "fleet", host: null, compare: [], range: LIVE, words: { q } });
  const link = el("a", { class: "trouble-link", href, hidden: true }, mark.element);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onSearch(q);
  });
  return { kind, link, mark };
}

/**
 * @param {string} label
 * @param {string} [before] what stands around the value where there is no room for the label
 * @param {string} [behind]
 */
function figure(label, before = "", behind = "") {
  const value = el("span", { class: "card-value" }, NONE);
  const note = el("span", { class: "card-note" });
  const short = (/** @type {string} */ text) => el("span", { class: "card-short", "aria-hidden": "true" }, text);
  const head = el("h2", { class: "card-label" }, label);
  const unit = short(behind);
  const element = el("div", { class: "card" }, head, short(before), value, unit, note);
  return { element, value, unit, note };
}
