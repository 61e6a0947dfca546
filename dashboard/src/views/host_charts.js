// The charts that a host has: the panels of `panels.js` over the series that are there.

import { lowerBound } from "../chart/track.js";
import { panelOf, PANELS, TRENDS } from "../panels.js";
import { Chosen } from "./chosen.js";
import { ALL_MODES, coreChart } from "./core_modes.js";

/** @typedef {import("../panels.js").PanelSpec} PanelSpec */
/** @typedef {import("../state.js").HostData} HostData */
/** @typedef {import("../state.js").Series} Series */
/** @typedef {import("../chart/time_chart.js").Line} Line */
/**
 * @typedef {Omit<PanelSpec, "lines"> & { key: string, lines: Line[], core?: string, of?: string }} ChartSpec `core`: of
 *   one alone; `of`: how many of how many are shown, where not all are
 */

/** Metrics that nobody here knows, each a chart. */
const MOST_UNKNOWN = 40;
/** Read last: a machine that talks to itself. */
const LOOPBACK = "lo";

/**
 * @param {HostData} data
 * @param {number} from Unix seconds: what was idle since gets no chart
 * @param {string} [core] whose modes have a chart
 * @param {Chosen} [chosen] remembers which of many were chosen
 * @returns {ChartSpec[]} in the order of the table, not yet of the groups
 */
export function chartsOf(data, from, core, chosen = new Chosen()) {
  return [...PANELS, ...unknownOf(data)].flatMap((panel) => {
    if (panel.each !== undefined) return eachOf(data, panel, panel.each, from, chosen);
    const family = panel.lineEach === undefined ? [] : data.family(panel.lines[0].metric);
    const lines =
      panel.lineEach === undefined ? linesOf(data, panel, "") : linesOfEach(family, panel, panel.lineEach, chosen);
    const shown = panel.stacked ? withoutIdle(lines, from) : lines;
    const max = topOf(data, panel);
    const idle = panel.busy === true && !lines.some((line) => isBusy(line, from));
    if (lines.length === 0 || max === 0 || idle) return [];
    const of = family.length > lines.length ? `${lines.length} of ${family.length}` : undefined;
    const chart = { ...panel, key: panel.id, lines: shown, max, of };
    return panel.id === ALL_MODES && core !== undefined ? [chart, ...coreChart(data, core)] : [chart];
  });
}

/** @param {HostData} data */
chartsOf.trends = (data) => linesOf(data, TRENDS, "");

/**
 * What got no chart because nothing happened on it, in a sentence; empty where there is nothing.
 * @param {HostData} data
 * @param {number} from Unix seconds
 */
export function idleOf(data, from) {
  const busy = new Set();
  const idle = new Set();
  for (const panel of PANELS) {
    const { each, lines } = panel;
    if (each === undefined || panel.busy) continue;
    for (const series of data.family(lines[0].metric)) {
      const isIdle = !linesOf(data, panel, series.tags).some((line) => isBusy(line, from));
      (isIdle ? idle : busy).add(series.labels.get(each) ?? series.tags);
    }
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
 * @param {Chosen} chosen
 * @returns {ChartSpec[]}
 */
function eachOf(data, panel, label, from, chosen) {
  const last = (/** @type {Series} */ series) => Number(series.labels.get(label) === LOOPBACK);
  const busy = data
    .family(panel.lines[0].metric)
    .sort((a, b) => last(a) - last(b))
    .filter((series) => linesOf(data, panel, series.tags).some((line) => isBusy(line, from)));
  const shown = chosen.of(panel.id, busy);
  const of = busy.length > shown.length ? `${shown.length} of ${busy.length} shown` : undefined;
  return shown.map(({ series }) => ({
    ...panel,
    key: `${panel.id}:${series.tags}`,
    title: `${panel.title} ${series.labels.get(label) ?? series.tags}`,
    lines: linesOf(data, panel, series.tags),
    of,
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
 * @param {readonly Series[]} family
 * @param {PanelSpec} panel
 * @param {string} label `*` for all of a series' labels
 * @param {Chosen} chosen
 * @returns {Line[]}
 */
function linesOfEach(family, panel, label, chosen) {
  return chosen.of(panel.id, family).map(({ series, colour }) => ({
    label: (label === "*" ? [...series.labels.values()].join(" ") : series.labels.get(label)) || series.tags,
    colour,
    track: series.track,
  }));
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
