// The samples of one series, ascending by time, in typed arrays along which they slide. Where a point stands for many
// samples its lowest and highest are kept beside it.

const FIRST_CAPACITY = 64;
/** A slow series is looked at over this many of its last distances. */
const DISTANCES = 31;

/**
 * @typedef {object} Points views of what is held
 * @property {Float64Array} times ascending
 * @property {Float64Array} values
 * @property {Float64Array} lows `values` itself where no point stands for many samples
 * @property {Float64Array} highs the same
 */

let tracks = 0;

export class Track {
  /** Tells it from every other. */
  id = (tracks += 1);
  /** Distance of two points as the server gave it, seconds; 0 where it gave none. */
  resolution = 0;
  /** Grows with each point that comes or goes. */
  version = 0;
  /** @type {Float64Array<ArrayBuffer>} */
  #times = new Float64Array(FIRST_CAPACITY);
  /** @type {Float64Array<ArrayBuffer>} */
  #values = new Float64Array(FIRST_CAPACITY);
  /** @type {Float64Array<ArrayBuffer> | null} */
  #lows = null;
  /** @type {Float64Array<ArrayBuffer> | null} */
  #highs = null;
  #start = 0;
  #end = 0;

  /**
   * A track over arrays that are there already.
   * @param {Float64Array<ArrayBuffer>} times ascending
   * @param {Float64Array<ArrayBuffer>} values
   * @param {{ lows: Float64Array<ArrayBuffer>, highs: Float64Array<ArrayBuffer> } | null} [band]
   */
  static over(times, values, band = null) {
    const track = new Track();
    track.#lows = band && band.lows;
    track.#highs = band && band.highs;
    track.#times = times;
    track.#values = values;
    track.#end = times.length;
    return track;
  }

  get length() {
    return this.#end - this.#start;
  }

  /** The newest time, or `-Infinity`. */
  get lastTime() {
    return this.length === 0 ? -Infinity : this.#times[this.#end - 1];
  }

  /** The newest value, or `null`. */
  get lastValue() {
    return this.length === 0 ? null : this.#values[this.#end - 1];
  }

  /** Whether points stand for many samples each. */
  get banded() {
    return this.#lows !== null;
  }

  /** Good until the next `add`. @returns {Points} */
  points() {
    const part = (/** @type {Float64Array} */ array) => array.subarray(this.#start, this.#end);
    const values = part(this.#values);
    return {
      times: part(this.#times),
      values,
      lows: this.#lows === null ? values : part(this.#lows),
      highs: this.#highs === null ? values : part(this.#highs),
    };
  }

  /**
   * Puts a sample in its place; one of the same time is replaced.
   * @param {number} time Unix seconds
   * @param {number} value finite
   * @param {number} [low] of the samples that the point stands for
   * @param {number} [high]
   */
  add(time, value, low = value, high = value) {
    if (!Number.isFinite(time) || !Number.isFinite(value)) return;
    if (this.#end === this.#times.length) this.#makeRoom();
    let place = this.#end;
    while (place > this.#start && this.#times[place - 1] >= time) place -= 1;
    if (place === this.#end || this.#times[place] !== time) this.#openAt(place);
    this.version += 1;
    this.#times[place] = time;
    this.#values[place] = value;
    if (this.#lows === null && low === high) return;
    this.#lows ??= this.#values.slice();
    this.#highs ??= this.#values.slice();
    this.#lows[place] = low;
    this.#highs[place] = high;
  }

  /**
   * Forgets what is older.
   * @param {number} time
   */
  trim(time) {
    while (this.#start < this.#end && this.#times[this.#start] < time) this.#start += 1;
  }

  /** The distance above which two points are not joined, seconds. */
  get gap() {
    return 2.5 * Math.max(this.resolution, this.usualDistance(), 1);
  }

  /** The median of the last distances, seconds; 0 below two points. */
  usualDistance() {
    const count = Math.min(DISTANCES, this.length - 1);
    if (count < 1) return 0;
    const distances = new Float64Array(count);
    for (let index = 0; index < count; index += 1) {
      const place = this.#end - 1 - index;
      distances[index] = this.#times[place] - this.#times[place - 1];
    }
    return distances.sort()[count >> 1];
  }

  /**
   * The sample nearest to a time, where one is near enough to be its value.
   * @param {number} time
   * @returns {number | null}
   */
  valueAt(time) {
    const nearest = this.nearest(time);
    if (nearest < 0) return null;
    const place = this.#start + nearest;
    return Math.abs(this.#times[place] - time) <= this.gap / 2 ? this.#values[place] : null;
  }

  /**
   * The newest value in a window, or `null`.
   * @param {import("./plot.js").TimeWindow} window
   */
  lastWithin({ from, to }) {
    const { times, values } = this.points();
    const index = lowerBound(times, to + 1e-6) - 1;
    return index >= 0 && times[index] >= from ? values[index] : null;
  }

  /**
   * The index of the point nearest to a time, or -1 where there is none.
   * @param {number} time
   */
  nearest(time) {
    const { times } = this.points();
    if (times.length === 0) return -1;
    const after = lowerBound(times, time);
    return after === 0 || (after < times.length && times[after] - time < time - times[after - 1]) ? after : after - 1;
  }

  /** @returns {(Float64Array | null)[]} */
  get #columns() {
    return [this.#times, this.#values, this.#lows, this.#highs];
  }

  /** @param {number} place */
  #openAt(place) {
    if (place < this.#end) for (const column of this.#columns) column?.copyWithin(place + 1, place, this.#end);
    this.#end += 1;
  }

  #makeRoom() {
    const length = this.length;
    const [start, end] = [this.#start, this.#end];
    if (length <= this.#times.length / 2) for (const column of this.#columns) column?.copyWithin(0, start, end);
    else {
      this.#times = grown(this.#times, start, end);
      this.#values = grown(this.#values, start, end);
      this.#lows = this.#lows && grown(this.#lows, start, end);
      this.#highs = this.#highs && grown(this.#highs, start, end);
    }
    this.#start = 0;
    this.#end = length;
  }
}

/**
 * @param {Float64Array<ArrayBuffer>} from
 * @param {number} start
 * @param {number} end
 */
function grown(from, start, end) {
  const to = new Float64Array(Math.max(FIRST_CAPACITY, from.length * 2));
  to.set(from.subarray(start, end));
  return to;
}

/**
 * The index of the first time that is not before `time`.
 * @param {Float64Array} times ascending
 * @param {number} time
 */
export function lowerBound(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
