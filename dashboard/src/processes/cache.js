// Snapshots of processes that were asked for, by their own time: a cursor that comes by again asks nobody.

/** @typedef {import("../api.js").ProcessSnapshot} ProcessSnapshot */
/** @typedef {{ from: number, to: number, snapshot: ProcessSnapshot | null }} Known for every moment from `from` to
 *  before `to` */

/** An agent takes one so often, seconds, where the snapshot does not tell. */
const USUAL = 10;
/** How long nothing is believed to be nothing, seconds. */
const NOTHING = 10;
/** An hour of them. */
const MOST = 360;

export class SnapshotCache {
  /** The latest used last. @type {Map<number, Known>} */
  #known = new Map();

  /**
   * @param {number} at Unix seconds
   * @returns {Known | null}
   */
  find(at) {
    for (const known of this.#known.values()) if (at >= known.from && at < known.to) return known;
    return null;
  }

  /**
   * @param {number} at the moment that was asked for
   * @param {ProcessSnapshot | null} snapshot the answer
   */
  put(at, snapshot) {
    const from = snapshot?.timestamp ?? at;
    const expected = snapshot === null ? at + NOTHING : from + (snapshot.seconds || USUAL);
    this.#known.delete(from);
    this.#known.set(from, { from, to: Math.max(expected, at + 0.001), snapshot });
    const oldest = this.#known.keys().next();
    if (this.#known.size > MOST && !oldest.done) this.#known.delete(oldest.value);
  }
}
