// A host as a row of the fleet's table.

import { Sparkline } from "../chart/sparkline.js";
import { fullestOf, loadPerCore, mountOf, shownStatus, troublesOf } from "../fleet/trouble.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { formatAge, formatValue, LOAD } from "../lib/format.js";
import { levelOf, levelOfLoad, showLevel } from "../lib/level.js";
import { Meter } from "./meter.js";
import { StatusMark } from "./status.js";

/** @typedef {import("../state.js").KnownHost} KnownHost */

/** What has no column on a phone: its trouble stands below the name there. */
const WITHOUT_COLUMN = ["Disk", "Load"];

export class HostRow {
  #status = new StatusMark();
  /** Of values that stand, below the status where there is no column for it. */
  #age = el("span", { class: "row-age" });
  #tags = el("bdi", { class: "row-tags" });
  #trouble = el("span", { class: "level-word row-trouble" });
  #cpu = share();
  #memory = share();
  #disk = share();
  #used = el("td", { class: "number row-used" });
  #load = { value: el("span"), word: el("span", { class: "level-word" }) };
  #seen = el("td", { class: "number muted row-seen" });
  #trend = new Sparkline({ max: 100 });

  /**
   * @param {string} hostname
   * @param {() => void} onOpen
   */
  constructor(hostname, onOpen) {
    const open = el("button", { type: "button", class: "link-button", title: hostname }, el("bdi", {}, hostname));
    open.addEventListener("click", onOpen);
    const name = el("th", { scope: "row", class: "row-name" }, open, this.#trouble, this.#tags);
    this.element = el(
      "tr",
      { class: "host-row" },
      el("td", {}, this.#status.element, this.#age),
      name,
      this.#cpu.cell,
      el("td", { class: "row-trend" }, this.#trend.element),
      this.#memory.cell,
      this.#disk.cell,
      this.#used,
      el("td", { class: "number row-load" }, this.#load.value, this.#load.word),
      this.#seen,
    );
    this.#disk.cell.classList.add("row-disk");
  }

  /**
   * @param {KnownHost} host
   * @param {number} now
   * @param {import("../chart/track.js").Track | null} trend
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  show(host, now, trend, window) {
    const status = shownStatus(host);
    this.#status.show(status);
    setAttribute(this.element, "data-stale", status !== "online");
    setText(this.#tags, tagsText(host));
    showShare(this.#cpu, host.metrics?.["cpu.total_usage"]);
    showShare(this.#memory, host.metrics?.["memory.usage_percent"]);
    const disk = fullestOf(host);
    showShare(this.#disk, disk?.percent);
    setAttribute(this.#disk.cell, "title", disk && mountOf(disk.series));
    setText(this.#used, formatValue(host.metrics?.["memory.used_bytes"], "bytes"));
    setText(this.#load.value, formatValue(host.metrics?.["load.avg_1m"], LOAD));
    showLevel(this.#load.word, levelOfLoad(loadPerCore(host)));
    const trouble = troublesOf(host).find(({ label }) => WITHOUT_COLUMN.includes(label));
    showLevel(this.#trouble, trouble?.level ?? "ok", trouble?.label);
    const seen = seenText(host, now);
    setText(this.#seen, seen);
    setText(this.#age, status === "online" ? "" : seen);
    this.#trend.show(trend, window);
  }

  end() {
    this.#trend.end();
  }
}

/** @param {KnownHost} host */
export function tagsText({ tags }) {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join("  ");
}

/**
 * When it was last heard of; where it is, but its values no longer move, how old these are.
 * @param {KnownHost} host
 * @param {number} now
 */
export function seenText(host, now) {
  if (shownStatus(host) === "stale")
    return `${formatAge(now - Math.min(host.arrived, host.sampled_at ?? Infinity))} old`;
  return now - host.last_seen < 20 ? "now" : `${formatAge(now - host.last_seen)} ago`;
}

function share() {
  const meter = new Meter();
  const [value, word] = [el("span", { class: "share-value" }), el("span", { class: "level-word" })];
  return {
    cell: el("td", { class: "number" }, el("span", { class: "share" }, meter.element, value, word)),
    meter,
    value,
    word,
  };
}

/**
 * @param {ReturnType<typeof share>} cell
 * @param {number | undefined} percent
 */
function showShare({ meter, value, word }, percent) {
  meter.show(percent ?? null);
  setText(value, formatValue(percent, "percent"));
  showLevel(word, levelOf(percent));
}
