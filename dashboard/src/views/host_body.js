// What stands below a host's figures: charts, processes, bars, all values, and what is to be said of the rest.

import { ChartPanel } from "../components/chart_panel.js";
import { LaterPart } from "../components/later_part.js";
import { notLoaded } from "../components/not_loaded.js";
import { el, setText } from "../lib/dom.js";
import { formatDayClock } from "../lib/format.js";
import { loadStyle } from "../lib/style.js";
import { CHARTED, TRENDS } from "../panels.js";
import { Chosen } from "./chosen.js";
import { chartsOf, failedSources, idleOf, unavailableOf } from "./host_charts.js";
import { HostPanels } from "./host_panels.js";
import { dataOf } from "./shown_data.js";

/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */

export class HostBody {
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
    this.elements = [
      this.#failed,
      this.#explained,
      this.#trends.element,
      this.#processPlace,
      this.#panels.element,
      this.#unavailable,
      this.#idle,
      this.#allValues.element,
    ];
  }

  /**
   * @param {import("../main.js").App} app
   * @param {import("../state.js").HostData} data of now
   * @param {TimeWindow} window
   * @param {string} span what the window is called
   * @param {TimeWindow | null} past the window where it does not end now
   * @returns {boolean} whether every chart is there; the others are made in the next frames
   */
  show(app, data, window, span, past) {
    const shownData = dataOf(app, this.hostname);
    this.#trends.show(chartsOf.trends(shownData), window, span, past !== null);
    this.#chosen.look(window);
    const shownCharts = chartsOf(shownData, window.from, app.router.route.words.core, this.#chosen);
    const all = this.#panels.show(shownData, shownCharts, window, span, past);
    this.#showIdle(idleOf(shownData, window.from));
    this.#showFailed(data);
    if (data.loaded) void this.#explain(app, data);
    this.#showAllValues(shownData, past);
    if (data.loaded && all) this.#showProcesses(window, past !== null, app.fleet.clock.now());
    return all;
  }

  end() {
    if (this.#processes instanceof Object) this.#processes.end();
    this.#processes = "wanted"; // should its code come only now, nobody waits for it
    this.#explainedWord = "";
    this.#explanation?.end();
    for (const part of [this.#trends, this.#panels]) part.end();
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {TimeWindow | null} past
   */
  #showAllValues(data, past) {
    this.#allValues.note(String(data.series.size));
    const when = past === null ? "Now" : `At ${formatDayClock(past.to)}`;
    this.#allValues.update((values) => values.show(data, past, when));
  }

  /**
   * @param {TimeWindow} window
   * @param {boolean} past whether it ends before now
   * @param {number} now
   */
  #showProcesses(window, past, now) {
    if (this.#processes instanceof Object) return this.#processes.update(window, past, now);
    if (this.#processes === "wanted") return;
    this.#processes = "wanted";
    import("../processes/panel.js").then(
      ({ ProcessPanel }) => {
        if (!this.#processPlace.isConnected) return;
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
