// Numbers as people read them. Bytes are IEC; what is absent is a dash.

/** @typedef {import("../api.js").Unit} Unit */

export const NONE = "–";
/** Load averages are written with two digits, as `uptime` does. */
export const LOAD = "load";
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
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
    default:
      return formatCount(value);
  }
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10)));
  const scaled = bytes / 1024 ** power;
  const digits = power === 0 || Math.abs(scaled) >= 99.95 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${BYTE_UNITS[power]}`;
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
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
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

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {number} seconds Unix seconds, shown in local time */
export const formatClock = (seconds) => CLOCK.format(seconds * 1000);
/** @param {number} seconds */
export const formatMinute = (seconds) => MINUTE.format(seconds * 1000);
/** @param {number} seconds */
export const formatMoment = (seconds) => MOMENT.format(seconds * 1000);
