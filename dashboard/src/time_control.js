// The time that is looked at: who may change it, how one gets back, and what has to be asked of the server for it.

import { cursor } from "./chart/cursor.js";
import { comparedMetrics, pastSeconds } from "./compared.js";
import { TimeBar } from "./components/time_bar.js";
import { CHARTED } from "./panels.js";
import { lateBy } from "./views/shown_data.js";
import { between, describeRange, follows, isLive, LIVE, sameRange, windowOf, withinReach } from "./time_range.js";

/** @typedef {import("./time_range.js").Range} Range */
/** @typedef {import("./chart/plot.js").TimeWindow} TimeWindow */

/** Zooms that can be taken back. */
const MOST_ZOOMS = 50;
/** A window narrower than this shows no two samples, seconds. */
const NARROWEST = 5;

export class TimeControl {
  /** @type {Range[]} */
  #zooms = [];

  /**
   * @param {import("./router.js").Router} router
   * @param {import("./ranges.js").Ranges} ranges
   * @param {(window: TimeWindow) => void} onExplain
   */
  constructor(router, ranges, onExplain) {
    this.router = router;
    this.ranges = ranges;
    this.onExplain = onExplain;
    this.bar = new TimeBar({
      onRange: (range) => this.#choose(range),
      onBack: () => this.#back(),
      onExplain: () => onExplain(this.#window),
      onRetry: () => ranges.retry(),
    });
    cursor.asked.listen((ask) => this.#asked(ask));
  }
  #window = { from: 0, to: 1 };
  #now = Infinity;
  #alone = false;

  /**
   * Asks for the history of what is on screen, where the live samples do not reach.
   * @param {import("./main.js").App} app
   * @param {readonly string[]} hosts
   */
  want({ shown, cache, router }, hosts) {
    const comparing = shown.view === "compare";
    const past = comparing ? pastSeconds(router.route.words) : 0;
    const live = isLive(shown.range);
    const ready = hosts.filter((host) => cache.get(host).loaded || this.ranges.find(host) !== undefined);
    const wants = ready.flatMap((host) => {
      const metrics = comparing
        ? comparedMetrics(router.route.words)
        : [...new Set([...CHARTED, ...cache.get(host).metrics])];
      const behind = comparing && !follows(shown.range) ? lateBy({ cache }, host) : 0;
      return [...(live ? [] : [0]), ...(past === 0 ? [] : [past])].map((shift) => ({ host, metrics, shift, behind }));
    });
    this.ranges.want(shown.range, wants);
  }

  /**
   * @param {import("./main.js").App} app
   * @param {readonly string[]} hosts
   */
  update({ shown, cache, fleet }, hosts) {
    const { range } = shown;
    this.#alone = shown.view === "single";
    const newest = Math.max(
      ...hosts.map((host) => cache.get(host).newest + (this.#alone ? 0 : lateBy({ cache }, host))),
      -Infinity,
    );
    const now = fleet.clock.now();
    this.#now = Math.max(newest, now); // a host's clock may be ahead
    this.#window = windowOf(range, follows(range) && Number.isFinite(newest) ? newest : now);
    const stretches = hosts.map((host) => this.ranges.find(host));
    const live = isLive(range);
    this.bar.show(range, this.#window, {
      resolution: live
        ? Math.max(0, ...hosts.map((host) => cache.get(host)).map((data) => (data.newest > -Infinity ? data.pace : 0)))
        : Math.max(0, ...stretches.map((stretch) => stretch?.resolution ?? 0)),
      loading: !live && stretches.some((stretch) => stretch?.state === "loading" && stretch.fresh.size === 0),
      error: stretches.find((stretch) => stretch?.state === "failed")?.error ?? "",
      alone: this.#alone,
      now: this.#now,
      zoomed: this.#zooms.length > 0 || !follows(range),
    });
  }

  /** @param {import("./chart/cursor.js").Ask} ask */
  #asked(ask) {
    if (ask.kind === "back") return this.#back();
    if (ask.kind === "hold") return this.#remember();
    const { kind, from, to } = ask;
    if (to - from < NARROWEST) return;
    if (kind === "explain") return void (this.#alone && this.onExplain({ from, to })); // it is of one host
    if (kind === "pan") return this.router.adjust({ range: between(withinReach({ from, to }, this.#now)) });
    this.#remember();
    this.router.go({ range: between({ from: Math.floor(from), to: Math.ceil(to) }) });
  }

  #remember() {
    this.#zooms = [...this.#zooms, this.router.route.range].slice(-MOST_ZOOMS);
  }

  #back() {
    const before = this.#zooms.pop();
    if (before === undefined && follows(this.router.route.range)) return; // nobody zoomed: there is no way back
    this.router.go({ range: before ?? LIVE });
  }

  /** @param {Range} range */
  #choose(range) {
    if (follows(range)) this.#zooms = [];
    if (!sameRange(range, this.router.route.range)) this.router.go({ range });
  }

  /** In words, for those who hear the page. @param {Range} range */
  describe(range) {
    return describeRange(range, this.#window);
  }
}
