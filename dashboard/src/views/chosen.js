// Which of many series of a kind are drawn: those that weigh most. Who was chosen stays for the window that is looked
// at, and keeps the colour: a chart whose lines take turns tells nothing.

import { lowerBound } from "../chart/track.js";
import { seriesKey } from "../lib/series_key.js";
import { KeptColours } from "./kept_colours.js";

/** @typedef {import("../state.js").Series} Series */
/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */
/** @typedef {{ window: TimeWindow, keys: string[] }} Choice */

/** As many as can be told apart by their colours. */
export const MOST_OF_A_KIND = 8;
/** A window whose length differs by this share is another one. */
const SAME_LENGTH = 0.01;

const keyOf = (/** @type {Series} */ { metric, tags }) => seriesKey(metric, tags);

export class Chosen {
  /** By chart. @type {Map<string, Choice>} */
  #choices = new Map();
  /** By chart. @type {Map<string, KeptColours>} */
  #colours = new Map();
  #window = { from: 0, to: Infinity };

  /** What is looked at from now on. @param {TimeWindow} window */
  look(window) {
    this.#window = window;
  }

  /**
   * @param {string} chart
   * @param {readonly Series[]} all in their order
   * @returns {{ series: Series, colour: number }[]} at most eight of them, in the same order
   */
  of(chart, all) {
    const chosen = all.length <= MOST_OF_A_KIND ? null : new Set(this.#choose(chart, all));
    const keys = all.map(keyOf).filter((key) => chosen?.has(key) ?? true);
    const colours = this.#colours.get(chart) ?? new KeptColours();
    this.#colours.set(chart, colours);
    const slots = colours.of(keys);
    return all.flatMap((series) => {
      const colour = slots.get(keyOf(series));
      return colour === undefined ? [] : [{ series, colour }];
    });
  }

  /**
   * @param {string} chart
   * @param {readonly Series[]} all
   */
  #choose(chart, all) {
    const { from, to } = this.#window;
    const known = this.#choices.get(chart);
    const there = new Set(all.map(keyOf));
    const kept =
      known !== undefined && isSame(known.window, this.#window) ? known.keys.filter((key) => there.has(key)) : [];
    const missing = MOST_OF_A_KIND - kept.length;
    if (missing === 0) return kept;
    const others = all
      .filter((series) => !kept.includes(keyOf(series)))
      .map((series) => ({ series, high: highest(series, from) }));
    others.sort((a, b) => b.high - a.high);
    const keys = [...kept, ...others.slice(0, missing).map(({ series }) => keyOf(series))];
    this.#choices.set(chart, { window: kept.length > 0 && known !== undefined ? known.window : { from, to }, keys });
    return keys;
  }
}

/**
 * Whether one has moved on by less than its own length.
 * @param {TimeWindow} before
 * @param {TimeWindow} now
 */
function isSame(before, now) {
  const [length, other] = [before.to - before.from, now.to - now.from];
  if (length === Infinity || other === Infinity) return length === other;
  return Math.abs(length - other) <= SAME_LENGTH * length && Math.abs(now.to - before.to) < length;
}

/**
 * @param {Series} series
 * @param {number} from
 */
function highest({ track }, from) {
  const { times, highs } = track.points();
  let most = 0;
  for (let index = lowerBound(times, from); index < highs.length; index += 1) most = Math.max(most, highs[index]);
  return most;
}
