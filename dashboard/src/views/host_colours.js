// A host keeps its colour for as long as it is compared, whoever comes and goes beside it.

export class HostColours {
  /** @type {Map<string, number>} */
  #slots = new Map();

  /**
   * @param {readonly string[]} hostnames
   * @returns {ReadonlyMap<string, number>} from 0
   */
  of(hostnames) {
    for (const name of this.#slots.keys()) if (!hostnames.includes(name)) this.#slots.delete(name);
    for (const name of hostnames) if (!this.#slots.has(name)) this.#slots.set(name, this.#free());
    return this.#slots;
  }

  #free() {
    const taken = new Set(this.#slots.values());
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    return slot;
  }
}
