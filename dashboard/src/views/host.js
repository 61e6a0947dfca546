// One host: what it is, four figures, and charts of the last five minutes.

import { ChartPanel } from "../components/chart_panel.js";
import { FigureCard } from "../components/figure_card.js";
import { HostFacts } from "../components/host_facts.js";
import { LaterPart } from "../components/later_part.js";
import { notLoaded } from "../components/not_loaded.js";
import { StatusMark } from "../components/status.js";
import { TagList } from "../components/tag_list.js";
import { el, setAttribute, setText } from "../lib/dom.js";
import { loadStyle } from "../lib/style.js";
import { formatAge, formatBytes, formatClock, formatDayClock, formatMoment, formatValue, LOAD } from "../lib/format.js";
import { describeRange, follows, isLive } from "../time_range.js";
import { CHARTED, TRENDS } from "../panels.js";
import { Chosen } from "./chosen.js";
import { chartsOf, failedSources, idleOf, unavailableOf } from "./host_charts.js";
import { HostPanels } from "./host_panels.js";
import { dataOf, windowFor } from "./shown_data.js";
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
  #trends = new ChartPanel({ ...TRENDS, span: "", wide: true });
  #allValues = new LaterPart("All values", async () => {
    const { AllValues } = await import("../components/all_values.js");
    return new AllValues();
  });
  #unavailable = el("p", { class: "muted idle" });
  #idle = el("p", { class: "muted idle" });
  #failed = el("p", { class: "source-note" });
  #panels;
  #processPlace = el("div", { class: "process-place" });
  /** Loaded when the first values are there. @type {import("../processes/panel.js").ProcessPanel | "wanted" | null} */
  #processes = null;
  #chosen = new Chosen();
  #edge = new WindowEdge();
  #liveEdge = new WindowEdge();

  #explained = el("div", { class: "explained" });
  /** @type {import("./explain.js").Explanation | null} */
  #explanation = null;
  #explainedWord = "";

  /**
   * @param {string} hostname
   * @param {(words: import("../router.js").Words) => void} onSay
   */
  constructor(hostname, onSay) {
    this.hostname = hostname;
    this.#panels = new HostPanels((core) => onSay({ core }));
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
    this.element = el(
      "article",
      { class: "host", "aria-label": "Single host" },
      head,
      this.#facts.element,
      cards,
      this.#failed,
      this.#explained,
      this.#trends.element,
      this.#processPlace,
      this.#panels.element,
      this.#unavailable,
      this.#idle,
      this.#allValues.element,
    );
  }

  /**
   * @param {import("../main.js").App} app
   * @returns {"more" | void} whether charts are missing that the next frame will make
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
    const stale = isLive(shown.range) && this.element.hasAttribute("data-stale");
    const span = stale ? `5 minutes to ${formatClock(window.to)}` : describeRange(shown.range, window);
    const shownData = dataOf(app, this.hostname);
    const past = stale || !follows(shown.range) ? window : null;
    this.#trends.show(chartsOf.trends(shownData), window, span, past !== null);
    this.#chosen.look(window);
    const shownCharts = chartsOf(shownData, window.from, app.router.route.words.core, this.#chosen);
    const all = this.#panels.show(shownData, shownCharts, window, span, past);
    this.#showIdle(idleOf(shownData, window.from));
    this.#showFailed(data);
    if (data.loaded) void this.#explain(app, data);
    this.#showAllValues(shownData, past);
    if (data.loaded && all) this.#showProcesses(window, past !== null, fleet.clock.now());
    if (!all) return "more";
  }

  end() {
    if (this.#processes instanceof Object) this.#processes.end();
    this.#processes = "wanted"; // should its code come only now, nobody waits for it
    this.#explainedWord = "";
    this.#explanation?.end();
    for (const part of [this.#trends, this.#panels, ...Object.values(this.#cards)]) part.end();
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
    setText(this.#age, stale ? ageText(data, host) : clockText(data.clock.behind));
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

  /**
   * @param {import("../state.js").HostData} data
   * @param {import("../chart/plot.js").TimeWindow | null} past
   */
  #showAllValues(data, past) {
    this.#allValues.note(String(data.series.size));
    const when = past === null ? "Now" : `At ${formatDayClock(past.to)}`;
    this.#allValues.update((values) => values.show(data, past, when));
  }

  /**
   * @param {import("../chart/plot.js").TimeWindow} window
   * @param {boolean} past whether it ends before now
   * @param {number} now
   */
  #showProcesses(window, past, now) {
    if (this.#processes instanceof Object) return this.#processes.update(window, past, now);
    if (this.#processes === "wanted") return;
    this.#processes = "wanted";
    import("../processes/panel.js").then(
      ({ ProcessPanel }) => {
        if (!this.element.isConnected) return;
        this.#processes = new ProcessPanel(this.hostname);
        this.#processPlace.append(this.#processes.element);
        this.#processes.update(window, past, now);
      },
      () => this.#processPlace.append(notLoaded(() => (this.#processes = null))), // wanted with the next update
    );
  }

  /**
   * What moved in the span that the address names. Its module is loaded when it is first asked for.
   * @param {import("../main.js").App} app
   * @param {import("../state.js").HostData} data
   */
  async #explain({ router }, data) {
    const word = router.route.words.explain ?? "";
    if (word === this.#explainedWord) return;
    this.#explainedWord = word;
    const loaded = await Promise.all([import("./explain.js"), loadStyle("css/explain.css")]).catch(() => null);
    if (word !== this.#explainedWord) return; // another was asked for meanwhile, or the page was left
    if (loaded === null) {
      this.#explained.replaceChildren(notLoaded(() => (this.#explainedWord = ""))); // wanted with the next update
      return;
    }
    const [{ Explanation, parseSpan }] = loaded;
    this.#explanation?.end();
    const span = parseSpan(word);
    const metrics = [...new Set([...CHARTED, ...data.metrics])];
    this.#explanation = span && new Explanation(this.hostname, span, metrics, () => router.say({ explain: "" }));
    this.#explained.replaceChildren(...(this.#explanation === null ? [] : [this.#explanation.element]));
    this.#explanation?.focus();
  }

  /** @param {string} idle */
  #showIdle(idle) {
    this.#idle.hidden = idle === "";
    setText(this.#idle, idle);
  }

  /** @param {import("../state.js").HostData} data */
  #showFailed(data) {
    const unavailable = unavailableOf(data);
    this.#unavailable.hidden = unavailable === "";
    setText(this.#unavailable, unavailable);
    const failed = failedSources(data);
    this.#failed.hidden = failed.length === 0;
    setText(this.#failed, `Could not be read at the last try: ${failed.join(", ")}. The agent’s log says why.`);
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

/** @param {number} behind seconds */
function clockText(behind) {
  return behind === 0 ? "" : `its clock is ${formatAge(Math.abs(behind))} ${behind > 0 ? "behind" : "ahead"}`;
}

/** @param {import("../state.js").HostData} data */
function loadNote(data) {
  const [five, fifteen] = [data.current("load.avg_5m"), data.current("load.avg_15m")];
  return five === null || fifteen === null ? "" : `5m ${formatValue(five, LOAD)} · 15m ${formatValue(fifteen, LOAD)}`;
}
