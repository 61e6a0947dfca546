// The key of a series, `metric` or `metric{tags}`, taken apart and put together.

/** @typedef {{ metric: string, tags: string }} SeriesName */

/**
 * @param {string} metric
 * @param {string} tags canonical
 */
export function seriesKey(metric, tags) {
  return tags === "" ? metric : `${metric}{${tags}}`;
}

/**
 * @param {string} key
 * @returns {SeriesName}
 */
export function splitKey(key) {
  const open = key.indexOf("{");
  if (open < 0 || !key.endsWith("}")) return { metric: key, tags: "" };
  return { metric: key.slice(0, open), tags: key.slice(open + 1, -1) };
}

/**
 * The pairs of a canonical tags string, unescaped. What is malformed is kept as far as it can be read: it is only
 * shown.
 * @param {string} tags
 * @returns {Map<string, string>}
 */
export function splitTags(tags) {
  const pairs = new Map();
  let key = "";
  let text = "";
  let inValue = false;
  const finish = () => {
    if (inValue) pairs.set(key, text);
    key = text = "";
    inValue = false;
  };
  for (let index = 0; index < tags.length; index += 1) {
    const letter = tags[index];
    if (letter === ",") finish();
    else if (letter === "=" && !inValue) {
      key = text;
      text = "";
      inValue = true;
    } else text += letter === "\\" && index + 1 < tags.length ? tags[(index += 1)] : letter;
  }
  finish();
  return pairs;
}

/**
 * Orders `eth2` before `eth10`.
 * @param {string} a
 * @param {string} b
 */
export function naturally(a, b) {
  collator ??= new Intl.Collator("en", { numeric: true });
  return collator.compare(a, b);
}
/** Takes ten milliseconds to make, and is not needed for the first figures. @type {Intl.Collator | undefined} */
let collator;
