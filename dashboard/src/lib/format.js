// Numbers as people read them. Bytes are IEC unless the reader wants SI; what is absent is a dash.

import { settings } from "./settings.js";

/** @typedef {import("../api.js").Unit} Unit */

export const NONE = "–";
/** Load averages are written with two digits, as `uptime` does. */
export const LOAD = "load";
const IEC_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI_UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const COUNT_UNITS = ["", "k", "M", "G", "T"];

/**
 * @param {number | null | undefined} value
 * @param {Unit | string} [unit]
 */
export function formatValue(value, unit = "count") {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  switch (unit) {
    case "percent":
      return `${value.toFixed(1)}%`;
    case "bytes":
      return formatBytes(value);
    case "bytes/s":
      return `${formatBytes(value)}/s`;
    case "1/s":
      return `${formatCount(value)}/s`;
    case "seconds":
      return formatSeconds(value);
    case LOAD:
      return value.toFixed(2);
    case "hertz":
      return `${formatCount(value)}Hz`.replace(/([kMGT]?)Hz$/, " $1Hz");
    case "bits/s":
      return `${formatCount(value)}bit/s`.replace(/([kMGT]?)bit/, " $1bit");
    case "celsius":
      return `${value.toFixed(1)} °C`;
    case "volts":
      return `${value.toFixed(2)} V`;
    case "amperes":
      return `${value.toFixed(2)} A`;
    case "watts":
      return `${value.toFixed(1)} W`;
    case "rpm":
      return `${formatCount(value)} rpm`;
    case "ppm":
      return `${value.toFixed(2)} ppm`;
    default:
      return formatCount(value);
  }
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const [base, units] = settings.bytes === "si" ? [1000, SI_UNITS] : [1024, IEC_UNITS];
  let power = 0;
  const last = units.length - 1;
  // By what is written: 1023.6 MiB would be rounded to 1024.
  while (power < last && Math.abs(bytes) / base ** power >= base - (power === 0 ? 0 : 0.5)) power += 1;
  const scaled = bytes / base ** power;
  const digits = power === 0 || Math.abs(scaled) >= 99.95 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${units[power]}`;
}

/**
 * A plain number: two digits below ten, then fewer, with k, M, G above ten thousand.
 * @param {number} value
 */
export function formatCount(value) {
  const size = Math.abs(value);
  if (size >= 10_000) {
    const power = Math.min(COUNT_UNITS.length - 1, Math.floor(Math.log10(size) / 3));
    const scaled = value / 1000 ** power;
    return `${scaled.toFixed(Math.abs(scaled) >= 99.95 ? 0 : 1)}${COUNT_UNITS[power]}`;
  }
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2).replace(/\.0+$/, ""); // 3 is written one way, whether counted or measured
}

/** @param {number} seconds a latency */
export function formatSeconds(seconds) {
  const size = Math.abs(seconds);
  if (size === 0) return "0 ms";
  if (size < 0.000_999_5) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (size < 0.999_5) return `${(seconds * 1e3).toFixed(size < 0.01 ? 1 : 0)} ms`;
  return size < 120 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/**
 * The two largest parts of a span: `3 d 4 h`, `12 min 5 s`.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count !== 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/**
 * One part only, for ages: `12 s`, `5 min`, `3 h`, `2 d`.
 * @param {number} seconds
 */
export function formatAge(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  return whole < 172_800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86_400)} d`;
}

/** What is told of a clock; empty where it is right. @param {number} behind seconds */
export function clockWords(behind) {
  return behind === 0 ? "" : `its clock is ${formatAge(Math.abs(behind))} ${behind > 0 ? "behind" : "ahead"}`;
}

/**
 * A change with its direction as a shape: `▲ 2.3%`.
 * @param {number} difference
 * @param {Unit | string} unit
 */
export function formatChange(difference, unit) {
  const text = formatValue(Math.abs(difference), unit);
  if (text === formatValue(0, unit)) return `± ${text}`;
  return `${difference > 0 ? "▲" : "▼"} ${text}`;
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const TIMES = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { month: "short", day: "numeric" },
  dayMinute: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  dayClock: {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  },
  moment: { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" },
};
/** By kind and zone: making one takes longer than a hundred uses. @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {keyof typeof TIMES} kind
 * @param {number} seconds Unix seconds
 */
function formatTime(kind, seconds) {
  const key = `${kind} ${settings.zone}`;
  let format = formats.get(key);
  if (format === undefined) {
    const zone = settings.zone === "utc" ? { timeZone: "UTC" } : {};
    formats.set(key, (format = new Intl.DateTimeFormat(undefined, { ...TIMES[kind], ...zone })));
  }
  return format.format(seconds * 1000);
}

/** @param {number} seconds Unix seconds, shown in the reader's zone */
export const formatClock = (seconds) => formatTime("clock", seconds);
/** @param {number} seconds */
export const formatMinute = (seconds) => formatTime("minute", seconds);
/** @param {number} seconds */
export const formatDay = (seconds) => formatTime("day", seconds);
/** @param {number} seconds */
export const formatDayMinute = (seconds) => formatTime("dayMinute", seconds);
/** @param {number} seconds */
export const formatDayClock = (seconds) => formatTime("dayClock", seconds);
/** @param {number} seconds */
export const formatMoment = (seconds) => formatTime("moment", seconds);

/**
 * A moment as precisely as a span of that length needs it.
 * @param {number} seconds Unix seconds
 * @param {number} span seconds
 */
export function formatWithin(seconds, span) {
  if (span > 2 * 86_400) return formatTime("dayMinute", seconds);
  return span > 43_200 ? formatTime("dayClock", seconds) : formatTime("clock", seconds);
}

/**
 * Seconds that the clock on the reader's wall is ahead of UTC.
 * @param {number} seconds Unix seconds
 */
export function zoneOffset(seconds) {
  return settings.zone === "utc" ? 0 : -60 * new Date(seconds * 1000).getTimezoneOffset();
}
