// A stream of frames that survives: WebSocket where it can be had, polling where not, and patience where there is no
// server.

import { ApiError } from "./api.js";
import { backoff } from "./lib/backoff.js";
import { Signal } from "./lib/signal.js";

/** @typedef {"connecting" | "live" | "polling" | "lost"} LinkState */

/**
 * @typedef {object} ChannelOptions
 * @property {() => WebSocket} open
 * @property {(signal: AbortSignal) => Promise<import("./api.js").LiveFrame[]>} poll what the socket would have told, asked for
 * @property {(frame: import("./api.js").LiveFrame) => void} onFrame
 * @property {number} [silence] milliseconds without a frame after which an open socket is taken for dead
 * @property {() => number} [random]
 */

export const POLL_EVERY_MS = 5000;
/** A proxy that takes the upgrade and then holds everything back is no WebSocket. */
const FIRST_FRAME_MS = 5000;
const WHILE_LOST = { base: 1000, cap: 15_000 };
const WHILE_POLLING = { base: 5000, cap: 60_000 };

export class Channel {
  /** @type {LinkState} */
  state = "connecting";
  /** When the next try is due, milliseconds of the monotonic clock; 0 where none is planned. */
  retryAt = 0;
  /** Tells each change of `state` or `retryAt`. @type {Signal<LinkState>} */
  changed = new Signal();
  /** Tells that a fresh socket is about to speak. @type {Signal<void>} */
  opened = new Signal();
  #failures = 0;
  #ended = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silenceTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pollTimer;
  #abort = new AbortController();

  /** @param {ChannelOptions} options */
  constructor(options) {
    this.options = options;
  }

  start() {
    this.#connect();
  }

  end() {
    this.#ended = true;
    this.#stopTimers();
    this.#abort.abort();
    this.#drop();
  }

  /** Tries at once, whatever was planned. */
  retry() {
    if (this.#ended || this.state === "live") return;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#retryTimer); // polling goes on until the socket speaks
    this.#drop();
    const socket = (this.#socket = this.options.open());
    let heard = false;
    this.#expectFrameWithin(FIRST_FRAME_MS);
    socket.addEventListener("message", (event) => {
      if (socket !== this.#socket) return;
      if (!heard) this.#up();
      heard = true;
      this.#expectFrameWithin(this.options.silence);
      this.#take(event.data);
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#failed();
    });
  }

  #up() {
    this.#failures = 0;
    clearTimeout(this.#pollTimer);
    this.opened.emit();
    this.#become("live", 0);
  }

  /** @param {unknown} data */
  #take(data) {
    /** @type {import("./api.js").LiveFrame} */
    let frame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      this.#failed(); // a stream that is no longer JSON cannot be trusted for the rest
      return;
    }
    this.options.onFrame(frame);
  }

  /** The socket is gone: ask over HTTP whether the server is too. */
  #failed() {
    this.#stopTimers();
    this.#drop();
    if (this.#ended) return;
    this.#failures += 1;
    void this.#ask();
  }

  async #ask() {
    const reached = await this.#poll();
    if (this.#ended || this.#socket !== null) return; // somebody asked for a retry meanwhile
    const wait = backoff(this.#failures - 1, reached ? WHILE_POLLING : WHILE_LOST, this.options.random);
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    if (reached) this.#pollTimer = setTimeout(() => void this.#pollAgain(), POLL_EVERY_MS);
    this.#become(reached ? "polling" : "lost", performance.now() + wait);
  }

  async #pollAgain() {
    const reached = await this.#poll();
    if (this.#ended || this.state === "live") return;
    if (reached) this.#pollTimer = setTimeout(() => void this.#pollAgain(), POLL_EVERY_MS);
    else if (this.#socket === null) this.#failed();
  }

  /** @returns {Promise<boolean>} whether the server answered, be it with a refusal */
  async #poll() {
    try {
      const frames = await this.options.poll(this.#abort.signal);
      if (!this.#ended) frames.forEach(this.options.onFrame);
      return true;
    } catch (error) {
      return error instanceof ApiError && error.status < 500;
    }
  }

  /** @param {number | undefined} milliseconds */
  #expectFrameWithin(milliseconds) {
    clearTimeout(this.#silenceTimer);
    if (milliseconds !== undefined) this.#silenceTimer = setTimeout(() => this.#failed(), milliseconds);
  }

  /**
   * @param {LinkState} state
   * @param {number} retryAt
   */
  #become(state, retryAt) {
    this.state = state;
    this.retryAt = retryAt;
    this.changed.emit(state);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #stopTimers() {
    clearTimeout(this.#silenceTimer);
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#pollTimer);
  }
}

const WORST_FIRST = /** @type {const} */ (["lost", "polling", "connecting", "live"]);

/**
 * What several channels come to: the worst of them.
 * @param {readonly LinkState[]} states
 * @returns {LinkState}
 */
export function worstOf(states) {
  return WORST_FIRST.find((state) => states.includes(state)) ?? "connecting";
}
