// What is known of a host and does not change while it runs.

import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { formatBytes, formatDuration, formatMoment } from "../lib/format.js";

/** @typedef {{ name: string, text: string, since?: number }} Fact `since`: Unix seconds, told to who points at it */

export class HostFacts {
  #list = el("dl", { class: "facts" });
  /** @type {Map<string, { pair: HTMLElement, text: HTMLElement }>} */
  #pairs = new Map();

  constructor() {
    this.element = el("div", { class: "panel host-facts" }, this.#list);
  }

  /**
   * @param {import("../api.js").FleetHost | undefined} host
   * @param {import("../api.js").StaticInfo | null} info
   * @param {number} now the server's clock
   */
  show(host, info, now) {
    const facts = factsOf(host, info, now);
    this.element.hidden = facts.length === 0; // a push of a few values by hand tells none
    setChildren(
      this.#list,
      facts.map((fact) => this.#pair(fact)),
    );
  }

  /** @param {Fact} fact */
  #pair({ name, text, since }) {
    let known = this.#pairs.get(name);
    if (known === undefined) {
      const value = el("bdi");
      known = { pair: el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, value)), text: value };
      this.#pairs.set(name, known);
    }
    setText(known.text, text);
    // A date takes longer to write than all the rest of the page, and few ask for it.
    const { text: value } = known;
    if (since !== undefined) value.onpointerenter = () => setAttribute(value, "title", `since ${formatMoment(since)}`);
    return known.pair;
  }
}

/**
 * @param {import("../api.js").FleetHost | undefined} host
 * @param {import("../api.js").StaticInfo | null} info
 * @param {number} now
 * @returns {Fact[]} only those that are known
 */
export function factsOf(host, info, now) {
  const cores = info?.cpu_cores ? `${info.cpu_cores} ${info.cpu_cores === 1 ? "core" : "cores"}` : "";
  const up = info?.boot_time ? formatDuration(now - info.boot_time) : "";
  /** @type {Fact[]} */
  const facts = [
    { name: "Address", text: (info?.ip_addresses ?? []).join(", ") },
    { name: "OS", text: info?.os || host?.platform || "" },
    { name: "Kernel", text: [info?.kernel, info?.architecture].filter(Boolean).join(" ") },
    { name: "CPU", text: [info?.cpu_model, cores].filter(Boolean).join(", ") },
    { name: "Container", text: containerText(info) },
    { name: "Memory", text: info?.memory_total_bytes ? formatBytes(info.memory_total_bytes) : "" },
    { name: "Uptime", text: up, since: info?.boot_time || undefined },
    { name: "Agent", text: [info?.agent_version || host?.version, everyText(info)].filter(Boolean).join(", ") },
  ];
  return facts.filter(({ text }) => text !== "");
}

/** @param {import("../api.js").StaticInfo | null} info */
function containerText(info) {
  if (!info?.container) return "";
  return `${info.container}, ${info.figures_of === "container" ? "its own figures" : "the host’s figures"}`;
}

/** @param {import("../api.js").StaticInfo | null} info */
function everyText(info) {
  return info?.interval_seconds ? `every ${info.interval_seconds} s` : "";
}
