// The server's clock, as far as this page can know it: hosts are judged by it, not by the browser's.

export class ServerClock {
  /** Seconds that the server is ahead of this browser; `null` while it has not spoken. @type {number | null} */
  #ahead = null;

  /** @param {number} seconds the server's time, now; whole seconds are cut off, so half of one is added */
  set(seconds) {
    const exact = Number.isInteger(seconds) ? seconds + 0.5 : seconds;
    this.#ahead = exact - Date.now() / 1000;
  }

  /** Unix seconds. */
  now() {
    return Date.now() / 1000 + (this.#ahead ?? 0);
  }
}
