// One host: what it is, four figures, and charts of the last five minutes.

import { AllValues } from "../components/all_values.js";
import { ChartPanel } from "../components/chart_panel.js";
import { Cores } from "../components/cores.js";
import { FigureCard } from "../components/figure_card.js";
import { FileSystems } from "../components/filesystems.js";
import { HostFacts } from "../components/host_facts.js";
import { StatusMark } from "../components/status.js";
import { TagList } from "../components/tag_list.js";
import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { formatAge, formatBytes, formatClock, formatMoment, formatValue, LOAD } from "../lib/format.js";
import { TRENDS } from "../panels.js";
import { STALE_SECONDS } from "../state.js";
import { chartsOf, idleOf } from "./host_charts.js";
import { WindowEdge } from "./window_edge.js";

export const SPAN = "last 5 minutes";

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
  #trends = new ChartPanel({ ...TRENDS, span: SPAN, wide: true });
  #cores = new Cores();
  #fileSystems = new FileSystems();
  #allValues = new AllValues();
  #idle = el("p", { class: "muted idle" });
  #panels = el("div", { class: "panels" });
  /** By key. @type {Map<string, ChartPanel>} */
  #charts = new Map();
  #edge = new WindowEdge();

  /** @param {string} hostname */
  constructor(hostname) {
    this.hostname = hostname;
    setText(this.#name, hostname);
    const head = el("header", { class: "host-head" }, el("h2", { class: "host-name" }, this.#name), this.#status.element, this.#age, this.#tags.element);
    const cards = el("div", { class: "cards" }, ...Object.values(this.#cards).map((card) => card.element));
    this.element = el("article", { class: "host", "aria-label": "Single host" }, head, this.#facts.element, cards, this.#panels, this.#idle, this.#allValues.element);
  }

  /** @param {import("../main.js").App} app */
  update({ fleet, cache, feed }) {
    const data = cache.get(this.hostname);
    const host = fleet.hosts.get(this.hostname);
    const window = this.#edge.window([data], host?.status === "offline" || feed.link.state === "lost");
    setAttribute(this.element, "aria-busy", data.loaded ? undefined : "true");
    this.#showStatus(data, host);
    this.#tags.show(host?.tags ?? {});
    this.#facts.show(host, data.info, fleet.clock.now());
    this.#showCards(data, window);
    this.#showPanels(data, window);
    this.#allValues.show(data);
  }

  end() {
    for (const panel of [this.#trends, ...this.#charts.values(), ...Object.values(this.#cards)]) panel.end();
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../api.js").FleetHost | undefined} host
   */
  #showStatus(data, host) {
    const offline = host?.status === "offline";
    const stale = offline || (data.loaded && data.age > STALE_SECONDS);
    this.#status.show(offline ? "offline" : stale ? "stale" : "online");
    setAttribute(this.element, "data-stale", stale);
    setText(this.#age, stale ? ageText(data, host) : "");
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  #showCards(data, window) {
    const show = (/** @type {FigureCard} */ card, /** @type {string} */ metric, /** @type {string} */ note) =>
      card.show(data.find(metric), data.current(metric), window, note);
    const cores = data.info?.cpu_cores ?? data.family("cpu.core_usage").length;
    const total = data.info?.memory_total_bytes || data.current("memory.total_bytes");
    const available = data.current("memory.available_bytes");
    show(this.#cards.cpu, "cpu.total_usage", cores ? `of ${cores} ${cores === 1 ? "core" : "cores"}` : "");
    show(this.#cards.memory, "memory.usage_percent", available === null ? "" : `${formatBytes(available)} available`);
    show(this.#cards.load, "load.avg_1m", loadNote(data));
    show(this.#cards.used, "memory.used_bytes", total ? `of ${formatBytes(total)}` : "");
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  #showPanels(data, window) {
    const specs = chartsOf(data, window.from);
    const charts = specs.map((spec) => {
      const panel = this.#charts.get(spec.key) ?? new ChartPanel({ ...spec, span: SPAN });
      this.#charts.set(spec.key, panel);
      panel.chart.options.max = spec.max;
      panel.show(spec.lines, window);
      return { key: spec.key, element: panel.element };
    });
    this.#trends.show(chartsOf.trends(data), window, this.element.hasAttribute("data-stale") ? `5 minutes to ${formatClock(window.to)}` : SPAN);
    const elements = charts.map(({ element }) => element);
    if (data.family("cpu.core_usage").length > 0) {
      this.#cores.show(data);
      elements.splice(charts[0]?.key === "cpu-modes" ? 1 : 0, 0, this.#cores.element);
    }
    if (data.family("disk.usage_percent").length > 0) {
      this.#fileSystems.show(data);
      elements.splice(placeAfter(elements, charts, "memory"), 0, this.#fileSystems.element);
    }
    setChildren(this.#panels, [this.#trends.element, ...elements]);
    const idle = idleOf(data, specs);
    this.#idle.hidden = idle === "";
    setText(this.#idle, idle);
  }
}

/**
 * @param {readonly HTMLElement[]} elements
 * @param {readonly { key: string, element: HTMLElement }[]} charts
 * @param {string} key
 */
function placeAfter(elements, charts, key) {
  const chart = charts.find((one) => one.key === key);
  return chart === undefined ? elements.length : elements.indexOf(chart.element) + 1;
}

/**
 * @param {import("../state.js").HostData} data
 * @param {import("../api.js").FleetHost | undefined} host
 */
function ageText(data, host) {
  if (host?.status === "offline") return `last seen ${formatMoment(host.last_seen)}; the charts show its last minutes`;
  if (data.newest === -Infinity) return "no samples in the last five minutes";
  return `last values ${formatAge(data.age)} old`;
}

/** @param {import("../state.js").HostData} data */
function loadNote(data) {
  const [five, fifteen] = [data.current("load.avg_5m"), data.current("load.avg_15m")];
  return five === null || fifteen === null ? "" : `${formatValue(five, LOAD)} in 5 min, ${formatValue(fifteen, LOAD)} in 15`;
}
