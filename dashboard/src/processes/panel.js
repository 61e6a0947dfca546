// The processes of the moment under the cursor, or of now. The server is asked when the cursor rests, and never twice
// for the same snapshot.

import { ApiError, getProcesses } from "../api.js";
import { cursor } from "../chart/cursor.js";
import { SnapshotCache } from "./cache.js";
import { ProcessTable } from "./table.js";

/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */

/** A cursor that moves asks for nothing, milliseconds. */
const REST_MS = 150;
/** A new snapshot comes with the next push after it was taken, seconds. */
const PUSH = 2;
/** What could not be had is not asked for again sooner, milliseconds. */
const AGAIN_MS = 5000;

export class ProcessPanel {
  #table = new ProcessTable();
  #cache = new SnapshotCache();
  /** @type {TimeWindow} */
  #window = { from: 0, to: 0 };
  #live = true;
  #now = 0;
  /** When what is now was last asked for, milliseconds. */
  #askedAt = -Infinity;
  #failedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  /** @type {AbortController | null} */
  #asking = null;
  #ending;

  /** @param {string} host */
  constructor(host) {
    this.host = host;
    this.element = this.#table.element;
    this.element.hidden = true;
    this.#ending = cursor.moved.listen(() => this.#look());
  }

  /**
   * @param {TimeWindow} window what the charts show
   * @param {boolean} past whether it ends before now
   * @param {number} now the server's clock
   */
  update(window, past, now) {
    this.#window = window;
    this.#live = !past;
    this.#now = now;
    this.#look();
  }

  end() {
    this.#ending();
    clearTimeout(this.#resting);
    this.#asking?.abort();
  }

  /** The moment that is looked at; `null` is now. */
  get #moment() {
    const { time } = cursor;
    const { from, to } = this.#window;
    if (time !== null && time >= from && time <= to) return time;
    return this.#live ? null : to;
  }

  #look() {
    if (document.hidden || this.#window.to === 0) return;
    const at = this.#moment;
    const known = this.#cache.find(at ?? this.#now - PUSH);
    if (known !== null) {
      clearTimeout(this.#resting);
      this.#resting = undefined;
      return this.#show(known.snapshot, at);
    }
    this.#table.wait(at !== null);
    const due = at === null ? this.#askedAt + AGAIN_MS : this.#failedAt + AGAIN_MS;
    if (performance.now() < due) return;
    clearTimeout(this.#resting); // it begins to rest anew with each move
    this.#resting = setTimeout(() => void this.#ask(), REST_MS);
  }

  async #ask() {
    this.#asking?.abort();
    const { signal } = (this.#asking = new AbortController());
    const at = this.#moment;
    if (at === null) this.#askedAt = performance.now();
    try {
      const answer = await getProcesses(this.host, at, signal);
      this.#cache.put(answer.at, answer.snapshot);
      if (at === null || at === this.#moment) this.#show(answer.snapshot, at);
    } catch (error) {
      if (signal.aborted) return;
      this.#failedAt = performance.now();
      // A host or a server without processes has no empty table; a lost link is told elsewhere.
      if (error instanceof ApiError) this.element.hidden = true;
    }
  }

  /**
   * @param {import("../api.js").ProcessSnapshot | null} snapshot
   * @param {number | null} at
   */
  #show(snapshot, at) {
    if (snapshot !== null) this.element.hidden = false; // where there never was one nothing is missed
    this.#table.wait(false);
    this.#table.show(snapshot, at ?? this.#now);
  }
}
