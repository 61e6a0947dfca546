// The charts that a host has: the panels of `panels.js` over the series that are there.

import { lowerBound } from "../chart/track.js";
import { SERIES_COLOURS } from "../chart/palette.js";
import { PANELS, TRENDS } from "../panels.js";

/** @typedef {import("../panels.js").PanelSpec} PanelSpec */
/** @typedef {import("../state.js").HostData} HostData */
/** @typedef {import("../chart/time_chart.js").Line} Line */
/** @typedef {{ key: string, title: string, unit: string, lines: Line[], stacked?: boolean, area?: boolean, max?: number, floor?: number }} ChartSpec */

/** A machine with a hundred interfaces shows the first; the others are among all values. */
const MOST_OF_A_KIND = 8;
/** Read last: a machine that talks to itself. */
const LOOPBACK = "lo";

/**
 * @param {HostData} data
 * @param {number} from Unix seconds: what was idle since gets no chart
 * @returns {ChartSpec[]}
 */
export function chartsOf(data, from) {
  return PANELS.flatMap((panel) => {
    if (panel.each !== undefined) return eachOf(data, panel, panel.each, from);
    const lines = panel.lineEach === undefined ? linesOf(data, panel, "") : linesOfEach(data, panel, panel.lineEach);
    return lines.length === 0 ? [] : [{ ...panel, key: panel.id, lines: panel.stacked ? withoutIdle(lines, from) : lines, max: topOf(data, panel) }];
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
  const idle = PANELS.flatMap(({ id, each, lines }) => {
    if (each === undefined) return [];
    return data
      .family(lines[0].metric)
      .filter((series) => !shown.has(`${id}:${series.tags}`))
      .map((series) => series.labels.get(each) ?? series.tags);
  });
  return idle.length === 0 ? "" : `Without traffic: ${idle.join(", ")}`;
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 * @param {string} label
 * @param {number} from
 * @returns {ChartSpec[]}
 */
function eachOf(data, panel, label, from) {
  const last = (/** @type {import("../state.js").Series} */ series) => Number(series.labels.get(label) === LOOPBACK);
  return data
    .family(panel.lines[0].metric)
    .sort((a, b) => last(a) - last(b))
    .map((series) => ({ series, lines: linesOf(data, panel, series.tags) }))
    .filter(({ lines }) => lines.some((line) => isBusy(line, from)))
    .slice(0, MOST_OF_A_KIND)
    .map(({ series, lines }) => ({ ...panel, key: `${panel.id}:${series.tags}`, title: `${panel.title} ${series.labels.get(label) ?? series.tags}`, lines }));
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
 * @param {string} label
 * @returns {Line[]}
 */
function linesOfEach(data, panel, label) {
  const family = data.family(panel.lines[0].metric).slice(0, SERIES_COLOURS);
  return family.map((series, index) => ({ label: series.labels.get(label) ?? series.tags, colour: index, track: series.track }));
}

/**
 * @param {HostData} data
 * @param {PanelSpec} panel
 */
function topOf(data, { max, maxOf }) {
  return maxOf === undefined ? max : (data.current(maxOf) ?? max);
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
  const { times, values } = track.points();
  return values.subarray(lowerBound(times, from)).some((value) => value > 0);
}
