// Two to eight hosts beside each other: a card each, and charts in which each host keeps its colour: on one scale, each
// on its own, as the difference to one of them, or each against its own past.

import { difference } from "../chart/difference.js";
import { moved } from "../chart/moved.js";
import { ChartPanel } from "../components/chart_panel.js";
import { CompareBar } from "../components/compare_bar.js";
import { CompareCard } from "../components/compare_card.js";
import { ComparePicker } from "../components/compare_picker.js";
import { COMPARED, pastSeconds, PASTS } from "../compared.js";
import { el, setAttribute, setChildren } from "../lib/dom.js";
import { seriesKey } from "../lib/series_key.js";
import { describeRange, follows } from "../time_range.js";
import { chartOfSeries, comparableSeries } from "./compared_series.js";
import { KeptColours } from "./kept_colours.js";
import { dataOf, lateBy, windowFor } from "./shown_data.js";
import { WindowEdge } from "./window_edge.js";

/** @typedef {import("../chart/time_chart.js").Line} Line */
/** @typedef {import("../compared.js").Chart} Chart */
/** @typedef {import("../state.js").HostData} HostData */

/** The host that others are compared with, where it is among them. @param {import("../main.js").App} app */
function referenceOf({ shown, router }) {
  const { ref } = router.route.words;
  return ref !== undefined && shown.hosts.includes(ref) ? ref : undefined;
}

export class CompareView {
  #colours = new KeptColours();
  #cards = el("div", { class: "compare-cards" });
  /** @type {Map<string, CompareCard>} */
  #byHost = new Map();
  /** By metric, and host where each has its own. @type {Map<string, ChartPanel>} */
  #charts = new Map();
  #panels = el("div", { class: "panels panels-compare" });
  #hint = el("p", { class: "muted hint" }, "Choose the hosts to compare.");
  #edge = new WindowEdge();

  /**
   * @param {(hosts: string[]) => void} onPick
   * @param {(hostname: string) => void} onOpen
   * @param {(words: import("../router.js").Words) => void} onWords
   */
  constructor(onPick, onOpen, onWords) {
    this.#picker = new ComparePicker(onPick);
    this.#bar = new CompareBar(onWords);
    this.onOpen = onOpen;
    this.element = el(
      "article",
      { class: "compare", "aria-label": "Comparison" },
      this.#picker.element,
      this.#hint,
      this.#cards,
      this.#bar.element,
      this.#panels,
    );
  }
  #picker;
  #bar;

  /** @param {import("../main.js").App} app */
  update(app) {
    const { fleet, cache, feed, shown, router } = app;
    const names = shown.hosts;
    const { words } = router.route;
    const colours = this.#colours.of(names);
    this.#picker.show(fleet, names, colours, shown.left);
    this.#bar.show(names, words);
    const hosts = names.map((name) => cache.get(name));
    const chosen = words.metric ? chartOfSeries(words.metric, hosts) : null;
    this.#offer(hosts, words.metric, chosen);
    this.#hint.hidden = names.length > 0;
    this.#bar.element.hidden = this.#panels.hidden = names.length === 0;
    setChildren(
      this.#cards,
      names.map((name) => this.#card(cache.get(name), fleet, colours.get(name) ?? 0)),
    );
    const window = windowFor(app, names, this.#edge, feed.link.state === "lost");
    const span = describeRange(shown.range, window);
    const panels = (chosen === null ? COMPARED : [chosen]).flatMap((chart) => this.#panelsOf(app, chart, colours));
    const used = new Set(panels.map(({ key }) => key));
    for (const { panel, lines } of panels) panel.show(lines, window, span, !follows(shown.range));
    setChildren(
      this.#panels,
      panels.map(({ panel }) => panel.element),
    );
    setAttribute(this.#panels, "data-form", words.form === "each" ? "each" : "one");
    this.#endUnused(used);
  }

  end() {
    this.#endUnused(new Set());
  }

  /**
   * The list is long, and made anew only where a series came or went.
   * @param {readonly import("../state.js").HostData[]} hosts
   * @param {string | undefined} key
   * @param {Chart | null} chosen
   */
  #offer(hosts, key, chosen) {
    const shape = `${key} ${hosts.map((data) => `${data.hostname} ${data.shape}`).join()}`;
    if (shape === this.#offeredShape) return;
    this.#offeredShape = shape;
    this.#bar.offer(comparableSeries(hosts), key && chosen ? { key, title: chosen.title } : null);
  }
  #offeredShape = "";

  /**
   * @param {import("../main.js").App} app
   * @param {Chart} chart
   * @param {ReadonlyMap<string, number>} colours
   * @returns {{ key: string, panel: ChartPanel, lines: Line[] }[]}
   */
  #panelsOf(app, chart, colours) {
    const { form } = app.router.route.words;
    const ref = referenceOf(app);
    const lines = linesOf(app, chart, colours);
    if (lines.length === 0) return [];
    const { metric: name, tags = "", ...options } = chart;
    const metric = seriesKey(name, tags);
    const scale = ref ? { ...options, max: undefined, floor: undefined } : options;
    const title = ref ? `${chart.title}, less ${ref}` : chart.title;
    if (form !== "each")
      return [
        this.#panel(
          `${ref ?? ""} ${metric}`,
          { ...scale, title },
          lines.flatMap((one) => one.lines),
        ),
      ];
    const floor = scale.max ?? highest(lines.flatMap((one) => one.lines)); // small multiples have one scale, too
    return lines.map((one) =>
      this.#panel(`${ref ?? ""} ${metric} ${one.host}`, { ...scale, title: `${one.host}: ${title}`, floor }, one.lines),
    );
  }

  /**
   * @param {string} key
   * @param {Omit<Chart, "metric" | "tags">} options
   * @param {Line[]} lines
   */
  #panel(key, options, lines) {
    let panel = this.#charts.get(key);
    if (panel === undefined) this.#charts.set(key, (panel = new ChartPanel({ ...options, span: "" })));
    panel.chart.options.floor = options.floor;
    return { key, panel, lines };
  }

  /** @param {ReadonlySet<string>} used */
  #endUnused(used) {
    for (const [key, panel] of this.#charts) {
      if (used.has(key)) continue;
      panel.end();
      this.#charts.delete(key);
    }
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
}

/**
 * @param {import("../main.js").App} app
 * @param {Chart} chart
 * @param {ReadonlyMap<string, number>} colours
 * @returns {{ host: string, lines: Line[] }[]}
 */
function linesOf(app, { metric, tags }, colours) {
  const { words } = app.router.route;
  const ref = referenceOf(app);
  const trackOf = (/** @type {string} */ host, /** @type {HostData | undefined} */ data) => {
    const track = data?.find(metric, tags)?.track;
    return track && moved(track, lateBy(app, host));
  };
  const reference = ref === undefined ? undefined : trackOf(ref, dataOf(app, ref));
  const past = pastSeconds(words);
  return app.shown.hosts.flatMap((host) => {
    const track = trackOf(host, dataOf(app, host));
    if (track === undefined || host === ref) return [];
    const colour = colours.get(host) ?? 0;
    if (ref !== undefined) {
      return reference === undefined
        ? []
        : [{ host, lines: [{ label: host, colour, track: difference(track, reference) }] }];
    }
    const before = past === 0 ? undefined : trackOf(host, app.ranges.find(host, past)?.data);
    const label = words.past && Object.hasOwn(PASTS, words.past) ? PASTS[words.past].label : "";
    const lines = [{ label: host, colour, track }];
    return [{ host, lines: before === undefined ? lines : [...lines, { label, colour, track: before, dash: true }] }];
  });
}

/** @param {readonly Line[]} lines */
function highest(lines) {
  let most = 0;
  for (const { track } of lines) for (const value of track.points().highs) if (value > most) most = value;
  return most;
}
