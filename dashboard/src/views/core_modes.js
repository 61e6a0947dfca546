// What each core does: the parts of its time, in the order and colours of the chart of all of them.

import { PANELS } from "../panels.js";

/** @typedef {import("../state.js").Series} Series */
/** @typedef {{ label: string, colour: number, series: Series }} Part */

const METRIC = "cpu.core_mode";
/** The chart of all cores. */
export const ALL_MODES = "cpu-modes";
export const CORE_CHART = "core-modes";
const ALL = PANELS.find(({ id }) => id === ALL_MODES);
/** Mode by mode, with the name that it has in the chart. */
const MODES = (ALL?.lines ?? []).map(({ metric, label }, colour) => ({
  mode: metric.replace("cpu.", ""),
  label,
  colour,
}));

/**
 * @param {import("../state.js").HostData} data
 * @returns {Map<string, Part[]>} by core; none where the agent tells none, as on hosts of many cores
 */
export function coreModes(data) {
  /** @type {Map<string, Part[]>} */
  const cores = new Map();
  for (const series of data.family(METRIC)) {
    const place = MODES.findIndex(({ mode }) => mode === series.labels.get("mode"));
    const core = series.labels.get("core");
    if (place < 0 || core === undefined) continue;
    const { label, colour } = MODES[place];
    cores.set(core, [...(cores.get(core) ?? []), { label, colour, series }]);
  }
  for (const parts of cores.values()) parts.sort((a, b) => a.colour - b.colour);
  return cores;
}

/**
 * The chart of one core, next to that of all.
 * @param {import("../state.js").HostData} data
 * @param {string} core
 * @returns {import("./host_charts.js").ChartSpec[]} none where it has no modes
 */
export function coreChart(data, core) {
  const parts = coreModes(data).get(core);
  if (ALL === undefined || parts === undefined) return [];
  const lines = parts.map(({ label, colour, series }) => ({ label, colour, track: series.track }));
  return [
    { ...ALL, id: CORE_CHART, core, key: `${CORE_CHART}:${core}`, title: `Core ${core} by mode`, max: 100, lines },
  ];
}
