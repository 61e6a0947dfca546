// How far a host's clock is from the server's, told by its samples: when each was read by the one, and when it came by
// the other.

/** Less is the time that a sample takes, or a push that waited for the next, seconds. */
const NOTEWORTHY = 30;
/** A clock that is wrong is wrong by the same each time; what comes late after a cut catches up. */
const STEADY = 15;
const ENOUGH = 2;

export class HostClock {
  #behind = 0;
  #steady = 0;

  /**
   * @param {number} sampled by the host's clock, Unix seconds; infinite where there is no sample
   * @param {number} arrived by the server's
   */
  note(sampled, arrived) {
    if (!Number.isFinite(sampled)) return;
    const behind = arrived - sampled;
    const same = Math.abs(behind - this.#behind) <= STEADY && this.#steady > 0;
    this.#steady = same ? this.#steady + 1 : 1;
    this.#behind = same ? Math.min(behind, this.#behind) : behind; // the quickest sample tells it best
  }

  /** Whole seconds that it is behind, below zero where it is ahead; 0 where it is right, or nobody can tell yet. */
  get behind() {
    return this.#steady >= ENOUGH && Math.abs(this.#behind) >= NOTEWORTHY ? Math.round(this.#behind) : 0;
  }
}
