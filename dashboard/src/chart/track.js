// The samples of one series, ascending by time, in two typed arrays along which they slide.

const FIRST_CAPACITY = 64;
/** A slow series is looked at over this many of its last distances. */
const DISTANCES = 31;

export class Track {
  /** Distance of two points as the server gave it, seconds; 0 where it gave none. */
  resolution = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  #start = 0;
  #end = 0;

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

  /** Views of what is held: good until the next `add`. */
  points() {
    return { times: this.#times.subarray(this.#start, this.#end), values: this.#values.subarray(this.#start, this.#end) };
  }

  /**
   * Puts a sample in its place; one of the same time is replaced.
   * @param {number} time Unix seconds
   * @param {number} value finite
   */
  add(time, value) {
    if (!Number.isFinite(time) || !Number.isFinite(value)) return;
    if (this.#end === this.#times.length) this.#makeRoom();
    let place = this.#end;
    while (place > this.#start && this.#times[place - 1] >= time) place -= 1;
    if (place < this.#end && this.#times[place] === time) {
      this.#values[place] = value;
      return;
    }
    this.#times.copyWithin(place + 1, place, this.#end);
    this.#values.copyWithin(place + 1, place, this.#end);
    this.#times[place] = time;
    this.#values[place] = value;
    this.#end += 1;
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
    const { times, values } = this.points();
    if (times.length === 0) return null;
    const after = lowerBound(times, time);
    const nearest = after === 0 || (after < times.length && times[after] - time < time - times[after - 1]) ? after : after - 1;
    return Math.abs(times[nearest] - time) <= this.gap / 2 ? values[nearest] : null;
  }

  #makeRoom() {
    const length = this.length;
    if (length <= this.#times.length / 2) {
      this.#times.copyWithin(0, this.#start, this.#end);
      this.#values.copyWithin(0, this.#start, this.#end);
    } else {
      this.#times = grown(this.#times, this.#start, this.#end);
      this.#values = grown(this.#values, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = length;
  }
}

/**
 * @param {Float64Array} from
 * @param {number} start
 * @param {number} end
 */
function grown(from, start, end) {
  const to = new Float64Array(from.length * 2);
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
