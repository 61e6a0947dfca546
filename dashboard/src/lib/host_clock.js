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
   * @param {number} sampled by the host's clock, Unix seconds
   * @param {number} arrived by the server's
   */
  note(sampled, arrived) {
    const behind = arrived - sampled;
    this.#steady = Math.abs(behind - this.#behind) <= STEADY || this.#steady === 0 ? this.#steady + 1 : 1;
    this.#behind = behind;
  }

  /** Seconds that it is behind, below zero where it is ahead; 0 where it is right, or nobody can tell yet. */
  get behind() {
    return this.#steady >= ENOUGH && Math.abs(this.#behind) >= NOTEWORTHY ? this.#behind : 0;
  }
}
