// One host: what it is, four figures, and charts of the last five minutes. The figures are seen before anything below
// them is made.

import { FigureCard } from "../components/figure_card.js";
import { HostFacts } from "../components/host_facts.js";
import { StatusMark } from "../components/status.js";
import { TagList } from "../components/tag_list.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { clockWords, formatAge, formatBytes, formatClock, formatMoment, formatValue, LOAD } from "../lib/format.js";
import { describeRange, follows, isLive } from "../time_range.js";
import { HostBody } from "./host_body.js";
import { windowFor } from "./shown_data.js";
import { WindowEdge } from "./window_edge.js";

export class HostView {
  #name = el("bdi");
  #status = new StatusMark();
  #age = el("p", { class: "host-age" });
  #tags = new TagList();
  #facts = new HostFacts();
  #cards = {
    cpu: new FigureCard({ label: "CPU", unit: "percent", max: 100 }),
    memory: new FigureCard({ label: "Memory", unit: "percent", max: 100, colour: 1 }),
    load: new FigureCard({ label: "Load avg", unit: LOAD, colour: 2 }),
    used: new FigureCard({ label: "Memory used", unit: "bytes", colour: 1 }),
  };
  /** @type {HostBody | null} */
  #body = null;
  #seen = false;
  #edge = new WindowEdge();
  #liveEdge = new WindowEdge();

  /**
   * @param {string} hostname
   * @param {(words: import("../router.js").Words) => void} onSay
   */
  constructor(hostname, onSay) {
    this.hostname = hostname;
    this.onSay = onSay;
    setText(this.#name, hostname);
    const head = el(
      "header",
      { class: "host-head" },
      el("h2", { class: "host-name" }, this.#name),
      this.#status.element,
      this.#age,
      this.#tags.element,
    );
    const cards = el("div", { class: "cards" }, ...Object.values(this.#cards).map((card) => card.element));
    this.element = el("article", { class: "host", "aria-label": "Single host" }, head, this.#facts.element, cards);
  }

  /**
   * @param {import("../main.js").App} app
   * @returns {"more" | void} whether something is missing that the next frame will make
   */
  update(app) {
    const { fleet, cache, feed, shown } = app;
    const data = cache.get(this.hostname);
    const host = fleet.hosts.get(this.hostname);
    const frozen = host?.status === "offline" || data.stale || feed.link.state === "lost";
    const live = this.#liveEdge.window([data], frozen);
    const window = windowFor(app, [this.hostname], this.#edge, frozen);
    setAttribute(this.element, "aria-busy", data.loaded ? undefined : "true");
    this.#showStatus(data, host);
    this.#tags.show(host?.tags ?? {});
    this.#facts.show(host, data.info, fleet.clock.now());
    this.#showCards(data, live, host?.metrics);
    if (this.#body === null && !this.#seen && !data.loaded) {
      this.#seen = true;
      return "more";
    }
    const stale = isLive(shown.range) && this.element.hasAttribute("data-stale");
    const span = stale ? `5 minutes to ${formatClock(window.to)}` : describeRange(shown.range, window);
    const past = stale || !follows(shown.range) ? window : null;
    return this.#bodyMade().show(app, data, window, span, past) ? undefined : "more";
  }

  end() {
    this.#body?.end();
    for (const card of Object.values(this.#cards)) card.end();
  }

  #bodyMade() {
    if (this.#body === null) {
      this.#body = new HostBody(this.hostname, this.onSay);
      this.element.append(...this.#body.elements);
    }
    return this.#body;
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../api.js").FleetHost | undefined} host
   */
  #showStatus(data, host) {
    const offline = host?.status === "offline";
    const stale = offline || data.stale;
    this.#status.show(offline ? "offline" : stale ? "stale" : "online");
    setAttribute(this.element, "data-stale", stale);
    setText(this.#age, stale ? ageText(data, host) : clockWords(data.clock.behind));
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {import("../api.js").FleetHost["metrics"]} first what the fleet's frame told of it, until its own history comes
   */
  #showCards(data, window, first) {
    const show = (
      /** @type {FigureCard} */ card,
      /** @type {import("../api.js").HeadlineMetric} */ metric,
      /** @type {string} */ note,
    ) => card.show(data.find(metric), data.loaded ? data.current(metric) : (first?.[metric] ?? null), window, note);
    const cores = data.info?.cpu_cores ?? data.family("cpu.core_usage").length;
    const total = data.info?.memory_total_bytes || data.current("memory.total_bytes");
    const available = data.current("memory.available_bytes");
    show(this.#cards.cpu, "cpu.total_usage", cores ? `of ${cores} ${cores === 1 ? "core" : "cores"}` : "");
    show(this.#cards.memory, "memory.usage_percent", available === null ? "" : `${formatBytes(available)} available`);
    show(this.#cards.load, "load.avg_1m", loadNote(data));
    show(this.#cards.used, "memory.used_bytes", total ? `of ${formatBytes(total)}` : "");
  }
}

/**
 * @param {import("../state.js").HostData} data
 * @param {import("../api.js").FleetHost | undefined} host
 */
function ageText(data, host) {
  if (host?.status === "offline") return `last seen ${formatMoment(host.last_seen)}; the charts show its last minutes`;
  if (data.newest === -Infinity) return "no samples";
  return `last values ${formatAge(data.age)} old`;
}

/** @param {import("../state.js").HostData} data */
function loadNote(data) {
  const [five, fifteen] = [data.current("load.avg_5m"), data.current("load.avg_15m")];
  return five === null || fifteen === null ? "" : `5m ${formatValue(five, LOAD)} · 15m ${formatValue(fifteen, LOAD)}`;
}
