// Two to eight hosts beside each other: a card each, and charts in which each host keeps its colour.

import { ChartPanel } from "../components/chart_panel.js";
import { CompareCard } from "../components/compare_card.js";
import { ComparePicker } from "../components/compare_picker.js";
import { el, setChildren } from "../lib/dom.js";
import { LOAD } from "../lib/format.js";
import { HostColours } from "./host_colours.js";
import { WindowEdge } from "./window_edge.js";

const CHARTS = [
  { metric: "cpu.total_usage", title: "CPU", unit: "percent", max: 100 },
  { metric: "memory.usage_percent", title: "Memory", unit: "percent", max: 100 },
  { metric: "load.avg_1m", title: "Load average", unit: LOAD, floor: 1 },
  { metric: "memory.used_bytes", title: "Memory used", unit: "bytes" },
];

export class CompareView {
  #colours = new HostColours();
  #cards = el("div", { class: "compare-cards" });
  /** @type {Map<string, CompareCard>} */
  #byHost = new Map();
  #charts = CHARTS.map(({ metric, ...options }) => ({ metric, panel: new ChartPanel({ ...options, span: "last 5 minutes" }) }));
  #panels = el("div", { class: "panels panels-compare" }, ...this.#charts.map(({ panel }) => panel.element));
  #hint = el("p", { class: "muted hint" }, "Choose the hosts to compare.");
  #edge = new WindowEdge();

  /**
   * @param {(hosts: string[]) => void} onPick
   * @param {(hostname: string) => void} onOpen
   */
  constructor(onPick, onOpen) {
    this.#picker = new ComparePicker(onPick);
    this.onOpen = onOpen;
    this.element = el("article", { class: "compare", "aria-label": "Comparison" }, this.#picker.element, this.#hint, this.#cards, this.#panels);
  }
  #picker;

  /** @param {import("../main.js").App} app */
  update({ fleet, cache, feed, shown }) {
    const names = shown.hosts;
    const colours = this.#colours.of(names);
    this.#picker.show(fleet, names, colours);
    this.#hint.hidden = names.length > 0;
    this.#panels.hidden = names.length === 0;
    const data = names.map((name) => cache.get(name));
    setChildren(
      this.#cards,
      data.map((one) => this.#card(one, fleet, colours.get(one.hostname) ?? 0)),
    );
    this.#showCharts(data, colours, this.#edge.window(data, feed.link.state === "lost"));
  }

  end() {
    for (const { panel } of this.#charts) panel.end();
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../state.js").Fleet} fleet
   * @param {number} colour
   */
  #card(data, fleet, colour) {
    const known = this.#byHost.get(data.hostname);
    const card = known ?? new CompareCard(data.hostname, () => this.onOpen(data.hostname));
    if (known === undefined) this.#byHost.set(data.hostname, card);
    card.show(data, fleet.hosts.get(data.hostname), colour);
    return card.element;
  }

  /**
   * @param {readonly import("../state.js").HostData[]} hosts
   * @param {ReadonlyMap<string, number>} colours
   * @param {import("../chart/plot.js").TimeWindow} window
   */
  #showCharts(hosts, colours, window) {
    for (const { metric, panel } of this.#charts) {
      const lines = hosts.flatMap((data) => {
        const track = data.find(metric)?.track;
        return track === undefined ? [] : [{ label: data.hostname, colour: colours.get(data.hostname) ?? 0, track }];
      });
      panel.show(lines, window);
    }
  }
}
