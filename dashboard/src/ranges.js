// The stretches of history that are looked at beside the last minutes. Most visits want none: the code that asks for
// them is loaded with the first.

import { Signal } from "./lib/signal.js";

/** @typedef {import("./time_range.js").Range} Range */
/** @typedef {import("./stretches.js").Want} Want */

export class Ranges {
  /** @type {Signal<void>} */
  changed = new Signal();
  /** @type {import("./stretches.js").Stretches | null} */
  #stretches = null;
  #loading = false;
  /** @type {[Range, readonly Want[]] | null} */
  #wanted = null;

  /**
   * @param {import("./state.js").HostCache} cache
   * @param {(host?: string) => number} now the time on a host's own clock, else the server's
   */
  constructor(cache, now) {
    this.cache = cache;
    this.now = now;
  }

  /**
   * @param {Range} range
   * @param {readonly Want[]} wants
   */
  want(range, wants) {
    this.#wanted = [range, wants];
    if (this.#stretches !== null) this.#stretches.want(range, wants);
    else if (wants.length > 0 && !this.#loading) void this.#load();
  }

  /**
   * @param {string} host
   * @param {number} [shift]
   */
  find(host, shift) {
    return this.#stretches?.find(host, shift);
  }

  tick() {
    this.#stretches?.tick();
  }

  retry() {
    this.#stretches?.retry();
  }

  /** @param {import("./api.js").SampleFrame} frame */
  sample(frame) {
    this.#stretches?.sample(frame);
  }

  async #load() {
    this.#loading = true;
    try {
      const { Stretches } = await import("./stretches.js");
      this.#stretches = new Stretches(this.cache, this.now);
      this.#stretches.changed.listen(() => this.changed.emit());
      if (this.#wanted !== null) this.#stretches.want(...this.#wanted);
      this.changed.emit();
    } finally {
      this.#loading = false; // where it could not be had the link is lost, and it is wanted again when it is back
    }
  }
}
