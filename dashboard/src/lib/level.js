// When a share is worth a look. The word goes beside the colour, always.

/** @typedef {"ok" | "warn" | "bad"} Level */

const WARN_PERCENT = 80;
const BAD_PERCENT = 95;

/**
 * @param {number | null | undefined} percent
 * @returns {Level}
 */
export function levelOf(percent) {
  if (percent === null || percent === undefined || percent < WARN_PERCENT) return "ok";
  return percent < BAD_PERCENT ? "warn" : "bad";
}

/** @type {Record<Level, string>} */
export const LEVEL_WORDS = { ok: "", warn: "high", bad: "very high" };
