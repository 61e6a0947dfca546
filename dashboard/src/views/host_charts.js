// The charts that a host has: the panels of `panels.js` over the series that are there.

import { SERIES_COLOURS } from "../chart/palette.js";
import { lowerBound } from "../chart/track.js";
import { panelOf, PANELS, TRENDS } from "../panels.js";
import { ALL_MODES, coreChart } from "./core_modes.js";

/** @typedef {import("../panels.js").PanelSpec} PanelSpec */
/** @typedef {import("../state.js").HostData} HostData */
/** @typedef {import("../state.js").Series} Series */
/** @typedef {import("../chart/time_chart.js").Line} Line */
/** @typedef {Omit<PanelSpec, "lines"> & { key: string, lines: Line[], core?: string }} ChartSpec `core`: of one alone */

/** A machine with a hundred interfaces shows the first; the others are among all values. */
const MOST_OF_A_KIND = 8;
/** Metrics that nobody here knows, each a chart. */
const MOST_UNKNOWN = 40;
/** Read last: a machine that talks to itself. */
const LOOPBACK = "lo";

/**
 * @param {HostData} data
 * @param {number} from Unix seconds: what was idle since gets no chart
 * @param {string} [core] whose modes have a chart
 * @returns {ChartSpec[]} in the order of the table, not yet of the groups
 */
export function chartsOf(data, from, core) {
  return [...PANELS, ...unknownOf(data)].flatMap((panel) => {
    if (panel.each !== undefined) return eachOf(data, panel, panel.each, from);
    const lines = panel.lineEach === undefined ? linesOf(data, panel, "") : linesOfEach(data, panel, panel.lineEach);
    const shown = panel.stacked ? withoutIdle(lines, from) : lines;
    const max = topOf(data, panel);
    const idle = panel.busy === true && !lines.some((line) => isBusy(line, from));
    if (lines.length === 0 || max === 0 || idle) return [];
    const chart = { ...panel, key: panel.id, lines: shown, max };
    return panel.id === ALL_MODES && core !== undefined ? [chart, ...coreChart(data, core)] : [chart];
  });
}

/** @param {HostData} data */
chartsOf.trends = (data) => linesOf(data, TRENDS, "");

/**
 * What got no chart because nothing happened on it, in a sentence; empty where there is nothing.
 * @param {HostData} data
 * @param {readonly ChartSpec[]} charts
 */
export function idleOf(data, charts) {
  const shown = new Set(charts.map((chart) => chart.key));
  const busy = new Set();
  const idle = new Set();
  for (const { id, each, lines, busy: onlyBusy } of PANELS) {
    if (each === undefined || onlyBusy) continue;
    for (const series of data.family(lines[0].metric))
      (shown.has(`${id}:${series.tags}`) ? busy : idle).add(series.labels.get(each) ?? series.tags);
  }
  const names = [...idle].filter((name) => !busy.has(name));
  return names.length === 0 ? "" : `Without traffic: ${names.join(", ")}`;
}

/**
 * Sources whose collector failed, less those of which the agent says why it has none.
 * @param {HostData} data
 */
export function failedSources(data) {
  const explained = data.info?.unavailable ?? {};
  return data
    .family("agent.collector_up")
    .filter((series) => data.currentOf(series) === 0)
    .map((series) => series.labels.get("collector") ?? series.tags)
    .filter((name) => !Object.hasOwn(explained, name));
}

/**
 * What the agent does not collect, and why, by its own words; empty where there is nothing to tell.
 * @param {HostData} data
 */
export function unavailableOf({ info }) {
  const told = Object.entries(info?.unavailable ?? {}).map(([name, why]) => `${name}: ${why}.`);
  return told.length === 0 ? "" : `Not collected here. ${told.join(" ")}`;
}

/** @param {HostData} data */
function unknownOf(data) {
  const panels = new Map();
  for (const { metric, unit } of data.series.values()) {
    if (panels.has(metric) || panels.size >= MOST_UNKNOWN) continue;
    const panel = panelOf(metric, unit);
    if (panel !== null) panels.set(metric, panel);
  }
  return [...panels.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 * @param {string} label
 * @param {number} from
 * @returns {ChartSpec[]}
 */
function eachOf(data, panel, label, from) {
  const last = (/** @type {Series} */ series) => Number(series.labels.get(label) === LOOPBACK);
  return data
    .family(panel.lines[0].metric)
    .sort((a, b) => last(a) - last(b))
    .map((series) => ({ series, lines: linesOf(data, panel, series.tags) }))
    .filter(({ lines }) => lines.some((line) => isBusy(line, from)))
    .slice(0, MOST_OF_A_KIND)
    .map(({ series, lines }) => ({
      ...panel,
      key: `${panel.id}:${series.tags}`,
      title: `${panel.title} ${series.labels.get(label) ?? series.tags}`,
      lines,
    }));
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 * @param {string} tags
 * @returns {Line[]}
 */
function linesOf(data, panel, tags) {
  return panel.lines.flatMap(({ metric, label, colour }, index) => {
    const track = data.find(metric, tags)?.track;
    return track === undefined ? [] : [{ label, colour: colour ?? index, track }];
  });
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 * @param {string} label `*` for all of a series' labels
 * @returns {Line[]}
 */
function linesOfEach(data, panel, label) {
  const all = data.family(panel.lines[0].metric);
  const family = all.length <= SERIES_COLOURS ? all : highest(all); // of sixty services those that weigh most
  return family.map((series, index) => ({
    label: (label === "*" ? [...series.labels.values()].join(" ") : series.labels.get(label)) || series.tags,
    colour: index,
    track: series.track,
  }));
}

/** @param {readonly Series[]} all in their order */
function highest(all) {
  const reached = new Map(
    all.map((series) => [series, series.track.points().highs.reduce((most, value) => Math.max(most, value), 0)]),
  );
  const chosen = new Set(
    [...all].sort((a, b) => (reached.get(b) ?? 0) - (reached.get(a) ?? 0)).slice(0, SERIES_COLOURS),
  );
  return all.filter((series) => chosen.has(series));
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 */
function topOf(data, { max, maxOf }) {
  return maxOf === undefined ? max : (data.find(maxOf)?.track.lastValue ?? max);
}

/**
 * @param {readonly Line[]} lines
 * @param {number} from
 */
function withoutIdle(lines, from) {
  return lines.filter((line, index) => index < 2 || isBusy(line, from));
}

/**
 * @param {Line} line
 * @param {number} from
 */
function isBusy({ track }, from) {
  const { times, highs } = track.points();
  for (let index = lowerBound(times, from); index < highs.length; index += 1) if (highs[index] > 0) return true;
  return false;
}
