// The stretch of time that is looked at: its ends are moments, or so and so long ago.

import { settings } from "./lib/settings.js";
import { formatClock, formatDayMinute, formatDuration, formatMinute, formatDay, zoneOffset } from "./lib/format.js";

/** @typedef {{ ago: number } | { at: number }} Moment seconds before now, or Unix seconds */
/** @typedef {{ from: Moment, to: Moment }} Range */
/** @typedef {import("./chart/plot.js").TimeWindow} TimeWindow */

/** @type {Record<string, number>} */
const UNITS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const SHORTEST = 5;
const LONGEST = 400 * 86_400;

/** What a reader chooses without thinking, seconds. */
export const PRESETS = [300, 900, 3600, 21_600, 86_400, 604_800, 2_592_000];

/** @param {number} seconds @returns {Range} */
export const lastSeconds = (seconds) => ({ from: { ago: seconds }, to: { ago: 0 } });
/** @param {TimeWindow} window @returns {Range} */
export const between = ({ from, to }) => ({ from: { at: from }, to: { at: to } });

export const LIVE = lastSeconds(PRESETS[0]);

/**
 * `now-15m`, `now`, Unix seconds, or a date as people write it: in the zone in which the page shows times, unless it
 * names its own.
 * @param {string} text
 * @returns {Moment | null}
 */
export function parseMoment(text) {
  const trimmed = text.trim();
  const relative = /^(?:now)?\s*(?:-\s*(\d+(?:\.\d+)?)\s*([smhdw]))?$/.exec(trimmed);
  if (relative !== null && trimmed !== "") return { ago: Number(relative[1] ?? 0) * UNITS[relative[2] ?? "s"] };
  if (/^\d{9,11}(\.\d+)?$/.test(trimmed)) return { at: Number(trimmed) };
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(trimmed);
  if (parts === null) return null;
  const [, day, clock = "00:00", zone = settings.zone === "utc" ? "Z" : ""] = parts;
  const date = Date.parse(`${day}T${clock}${zone}`);
  return Number.isNaN(date) ? null : { at: date / 1000 };
}

/**
 * A date as `parseMoment` reads it, in the zone in which the page shows times.
 * @param {number} seconds Unix seconds
 */
export function formatDateText(seconds) {
  const shifted = new Date((Math.round(seconds) + zoneOffset(seconds)) * 1000);
  return shifted.toISOString().slice(0, 19).replace("T", " ");
}

/**
 * @param {Moment} moment
 * @returns {string} as `parseMoment` reads it
 */
export function formatMomentText(moment) {
  if ("at" in moment) return String(Math.round(moment.at * 1000) / 1000);
  return moment.ago === 0 ? "now" : `now-${shortSpan(moment.ago)}`;
}

/**
 * @param {string | null} from
 * @param {string | null} to
 * @returns {Range | null} `null` where it is none
 */
export function parseRange(from, to) {
  const [first, last] = [parseMoment(from ?? ""), parseMoment(to ?? "now")];
  if (first === null || last === null) return null;
  const window = windowOf({ from: first, to: last }, Date.now() / 1000);
  const length = window.to - window.from;
  return length < SHORTEST || length > LONGEST ? null : { from: first, to: last };
}

/**
 * @param {Range} range
 * @param {number} now Unix seconds
 * @returns {TimeWindow}
 */
export function windowOf({ from, to }, now) {
  const at = (/** @type {Moment} */ moment) => ("at" in moment ? moment.at : now - moment.ago);
  return { from: at(from), to: at(to) };
}

/**
 * A window that a reader moved or stretched, where it can be shown and linked to: there is nothing after now.
 * @param {TimeWindow} window
 * @param {number} now Unix seconds
 * @returns {TimeWindow}
 */
export function withinReach({ from, to }, now) {
  const length = Math.min(LONGEST, to - from);
  const middle = (from + to) / 2;
  const end = Math.min(now, to - from > LONGEST ? middle + length / 2 : to);
  return { from: end - length, to: end };
}

/** A range that ends now, so many seconds long as a link can say. @param {number} seconds */
export const lastSecondsWithinReach = (seconds) => lastSeconds(Math.min(LONGEST, seconds));

/** Whether it ends now and goes on. @param {Range} range */
export const follows = ({ to }) => "ago" in to && to.ago === 0;

/** The length of a range that ends now, else `null`. @param {Range} range */
export const followedSeconds = (range) => (follows(range) && "ago" in range.from ? range.from.ago : null);

/** The five minutes with which the page opens. @param {Range} range */
export const isLive = (range) => followedSeconds(range) === PRESETS[0];

/** @param {Range} a @param {Range} b */
export const sameRange = (a, b) => textOf(a) === textOf(b);
/** @param {Range} range */
const textOf = ({ from, to }) => `${formatMomentText(from)} ${formatMomentText(to)}`;

/**
 * `15m`, `24h`, `7d`: in the largest unit that fits, but a day as hours.
 * @param {number} seconds
 */
export function shortSpan(seconds) {
  const fits = (/** @type {string} */ name) => seconds % UNITS[name] === 0 && seconds > 0;
  const unit = seconds !== UNITS.d && fits("d") ? "d" : (["h", "m"].find(fits) ?? "s");
  return `${Number((seconds / UNITS[unit]).toFixed(3))}${unit}`;
}

/**
 * A range in words: `last 5 minutes`, `Nov 22, 09:15:00 – 09:20:00`.
 * @param {Range} range
 * @param {TimeWindow} window
 */
export function describeRange(range, window) {
  const seconds = followedSeconds(range);
  return seconds === null ? describeWindow(window) : `last ${words(seconds)}`;
}

/** @param {TimeWindow} window */
export function describeWindow({ from, to }) {
  const sameDay = formatDay(from) === formatDay(to);
  const time = to - from < 7200 ? formatClock : formatMinute;
  return sameDay
    ? `${formatDay(from)}, ${time(from)} – ${time(to)}`
    : `${formatDayMinute(from)} – ${formatDayMinute(to)}`;
}

/** @param {number} seconds */
function words(seconds) {
  const name = { 60: "minute", 3600: "hour", 86_400: "day" };
  for (const unit of /** @type {const} */ ([86_400, 3600, 60])) {
    const count = seconds / unit;
    if (!Number.isInteger(count) || (unit === 86_400 && count === 1)) continue;
    return count === 1 ? name[unit] : `${count} ${name[unit]}s`;
  }
  return formatDuration(seconds);
}
