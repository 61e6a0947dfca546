// The charts of a host in their groups, and what stands among them as bars.

import { ChartPanel } from "../components/chart_panel.js";
import { Cores } from "../components/cores.js";
import { FileSystems } from "../components/filesystems.js";
import { CORE_CHART } from "./core_modes.js";
import { PanelGroups } from "./panel_groups.js";

/** Charts that are made in one frame: those that are seen first do not wait for the last. */
const MADE_AT_ONCE = 8;

/** @typedef {import("./host_charts.js").ChartSpec} ChartSpec */
/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */
/** @typedef {Map<import("../panels.js").GroupName, HTMLElement[]>} Groups */

export class HostPanels {
  #cores;
  #fileSystems = new FileSystems();
  #groups = new PanelGroups();
  /** By key. @type {Map<string, ChartPanel>} */
  #charts = new Map();
  #begun = false;

  /** @param {(core: string) => void} onCore one was chosen; empty: none */
  constructor(onCore) {
    this.#cores = new Cores(onCore);
    this.element = this.#groups.element;
  }

  /**
   * @param {import("../state.js").HostData} data
   * @param {readonly ChartSpec[]} specs
   * @param {TimeWindow} window
   * @param {string} span what the window is called
   * @param {TimeWindow | null} past the window where it does not end now
   * @returns {boolean} whether every chart is there; the others are made in the next frames
   */
  show(data, specs, window, span, past) {
    /** @type {Groups} */
    const groups = new Map();
    let room = this.#begun ? MADE_AT_ONCE : 0;
    this.#begun = specs.length > 0;
    for (const spec of specs) {
      if (!this.#charts.has(spec.key) && (room -= 1) < 0) continue;
      const panel = this.#charts.get(spec.key) ?? new ChartPanel({ ...spec, span });
      this.#charts.set(spec.key, panel);
      panel.chart.options.max = spec.max;
      panel.note(spec.of ?? "");
      panel.show(spec.lines, window, span, past !== null);
      groups.set(spec.group, [...(groups.get(spec.group) ?? []), panel.element]);
    }
    const core = specs.find(({ id }) => id === CORE_CHART);
    this.#forgetCores(core?.key);
    this.#addBars(data, groups, past, core?.core ?? "");
    // Of a host that has no agent nobody can say what it lacks.
    const mayGuess = data.info?.unavailable === undefined && data.family("agent.collector_up").length > 0;
    this.#groups.show(groups, room >= 0 && mayGuess);
    return room >= 0;
  }

  end() {
    for (const panel of this.#charts.values()) panel.end();
  }

  /** Who looks at one core after the other does not keep the charts of all. @param {string | undefined} kept */
  #forgetCores(kept) {
    for (const [key, panel] of this.#charts) {
      if (!key.startsWith(CORE_CHART) || key === kept) continue;
      panel.end();
      this.#charts.delete(key);
    }
  }

  /**
   * Cores and file systems as bars: of now, or as they were at the end of the window.
   * @param {import("../state.js").HostData} data
   * @param {Groups} groups
   * @param {TimeWindow | null} past
   * @param {string} core the one that has a chart
   */
  #addBars(data, groups, past, core) {
    if (data.family("cpu.core_usage").length > 0) {
      this.#cores.show(data, past, core);
      groups.get("cpu")?.splice(1, 0, this.#cores.element);
    }
    if (data.family("disk.usage_percent").length > 0) {
      this.#fileSystems.show(data, past);
      groups.get("disk")?.unshift(this.#fileSystems.element);
    }
  }
}
