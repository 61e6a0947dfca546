// One animation frame for all charts: whatever asks to be drawn is drawn once in the next.

/** @typedef {{ draw(): void }} Drawable */

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

  #run() {
    this.#pending = false;
    const now = [...this.#wanting];
    this.#wanting.clear();
    for (const drawable of now) drawable.draw();
  }
}

export const scheduler = new Scheduler();
