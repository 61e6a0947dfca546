// What is drawn keeps its colour for as long as it is drawn, whoever comes and goes beside it.

export class KeptColours {
  /** @type {Map<string, number>} */
  #slots = new Map();

  /**
   * @param {readonly string[]} names
   * @returns {ReadonlyMap<string, number>} from 0
   */
  of(names) {
    for (const name of this.#slots.keys()) if (!names.includes(name)) this.#slots.delete(name);
    for (const name of names) if (!this.#slots.has(name)) this.#slots.set(name, this.#free());
    return this.#slots;
  }

  #free() {
    const taken = new Set(this.#slots.values());
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    return slot;
  }
}
