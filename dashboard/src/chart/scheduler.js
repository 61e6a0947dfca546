// One animation frame for all charts: whatever asks to be drawn is drawn once in the next.

/** @typedef {{ draw(): void }} Drawable */

/** The page asks its charts to be drawn: both happen in one frame. */
const ROUNDS = 2;

export class Scheduler {
  /** @type {Set<Drawable>} */
  #wanting = new Set();
  #pending = false;

  /** @param {Drawable} drawable */
  want(drawable) {
    this.#wanting.add(drawable);
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => this.#run());
  }

  /** @param {Drawable} drawable */
  forget(drawable) {
    this.#wanting.delete(drawable);
  }

  /** Draws at once: paper does not wait for a frame. */
  flush() {
    this.#run();
  }

  #run() {
    for (let round = 0; round < ROUNDS; round += 1) {
      const now = [...this.#wanting];
      this.#wanting.clear();
      for (const drawable of now) drawable.draw();
    }
    this.#pending = false;
    const [late] = this.#wanting;
    if (late !== undefined) this.want(late);
  }
}

export const scheduler = new Scheduler();
