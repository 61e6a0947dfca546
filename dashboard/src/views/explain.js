// What moved: the metrics that went farthest from their usual in a span, each with its line and a sentence.

import { ApiError, getHistory, getPrograms } from "../api.js";
import { Sparkline } from "../chart/sparkline.js";
import { Track } from "../chart/track.js";
import { explains, farWords, findingsOf, withBefore, wordsOf } from "../explain/explain.js";
import { culpritsOf } from "../explain/programs.js";
import { el, setChildren, setText } from "../lib/dom.js";
import { formatDuration, formatValue } from "../lib/format.js";
import { titleOf } from "../series_title.js";
import { describeWindow } from "../time_range.js";

/** @typedef {import("../chart/plot.js").TimeWindow} TimeWindow */

const POINTS = 400;
/** The server tells of no longer stretch which programs took the most, seconds. */
const LONGEST_OF_PROGRAMS = 7 * 86_400;

export class Explanation {
  #title = el("h3", { class: "panel-title", tabindex: -1 }, "What moved");
  #about = el("p", { class: "muted explain-about", role: "status" });
  #list = el("ol", { class: "findings" });
  #who = el("p", { class: "muted explain-about" });
  #culprits = el("ul", { class: "findings" });
  #programs = el("div", { hidden: true }, el("h4", { class: "explain-who" }, "Programs"), this.#who, this.#culprits);
  /** @type {Sparkline[]} */
  #lines = [];
  #abort = new AbortController();

  /**
   * @param {string} host
   * @param {TimeWindow} span
   * @param {readonly string[]} metrics
   * @param {() => void} onClose
   */
  constructor(host, span, metrics, onClose) {
    const close = el("button", { type: "button", class: "button explain-close" }, "Close");
    close.addEventListener("click", onClose);
    this.element = el(
      "section",
      { class: "panel explain", "aria-label": "What moved" },
      el(
        "header",
        { class: "panel-head" },
        this.#title,
        el("span", { class: "panel-span" }, describeWindow(span)),
        close,
      ),
      this.#about,
      this.#list,
      this.#programs,
    );
    setText(this.#about, "Looking through all values…");
    void this.#askPrograms(host, span);
    void this.#ask(host, span, metrics.filter(explains));
  }

  /** Called where a reader asked for it, so that a keyboard and a voice go on from here. */
  focus() {
    this.#title.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  end() {
    this.#abort.abort();
    for (const line of this.#lines) line.end();
  }

  /**
   * @param {string} host
   * @param {TimeWindow} span
   * @param {readonly string[]} metrics
   */
  async #ask(host, span, metrics) {
    const { signal } = this.#abort;
    const window = withBefore(span);
    try {
      const all = await getHistory({ host, metrics, ...window, points: POINTS }, signal);
      if (!signal.aborted) this.#show(all, span, window);
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof ApiError ? error.message : "the server does not answer";
      setText(this.#about, `This could not be found out: ${why}.`);
    }
  }

  /**
   * Who did it. A host whose processes are not noted has no empty list.
   * @param {string} host
   * @param {TimeWindow} span
   */
  async #askPrograms(host, span) {
    const { signal } = this.#abort;
    const before = { from: withBefore(span).from, to: span.from };
    if (span.to - span.from > LONGEST_OF_PROGRAMS) return;
    try {
      const [during, earlier] = await Promise.all([span, before].map((one) => getPrograms(host, one, signal)));
      if (!signal.aborted && during.snapshots > 0) this.#showPrograms(during, earlier);
    } catch {
      this.#programs.hidden = true; // the values above tell of a link that is lost
    }
  }

  /**
   * @param {import("../api.js").ProcessesBetween} during
   * @param {import("../api.js").ProcessesBetween} before
   */
  #showPrograms(during, before) {
    const culprits = culpritsOf(during.programs, before.programs);
    const [first] = during.programs;
    const most =
      first && `Most of the processors took ${first.name}: ${formatValue(first.cpu_percent?.mean, "percent")}.`;
    setText(
      this.#who,
      culprits.length > 0 ? "Those that took more than before." : `None took notably more than before. ${most ?? ""}`,
    );
    setChildren(
      this.#culprits,
      culprits.map(({ name, words }) =>
        el("li", { class: "culprit" }, el("bdi", { class: "finding-title" }, name), " ", words),
      ),
    );
    this.#programs.hidden = false;
  }

  /**
   * @param {readonly import("../api.js").HistorySeries[]} all
   * @param {TimeWindow} span
   * @param {TimeWindow} window
   */
  #show(all, span, window) {
    const findings = findingsOf(all, span);
    const before = formatDuration(span.from - window.from);
    const measured = `Measured against the ${before} before, over ${all.length} series.`;
    const none = findings.length === 0 ? "Nothing left its usual range. " : "";
    setText(this.#about, none + measured);
    const items = findings.map((finding) => {
      const line = new Sparkline({ colour: 0 });
      this.#lines.push(line);
      const track = new Track();
      for (const [time, , average] of finding.series.points) track.add(time, average);
      line.show(track, window);
      return el(
        "li",
        { class: "finding" },
        el("bdi", { class: "finding-title" }, titleOf(finding.series)),
        el("span", { class: "finding-words" }, wordsOf(finding)),
        el("span", { class: "muted finding-far" }, farWords(finding.movement.score)),
        line.element,
      );
    });
    setChildren(this.#list, items);
  }
}

/**
 * @param {string | undefined} word as it stands in the address: `from~to`
 * @returns {TimeWindow | null}
 */
export function parseSpan(word) {
  const [from, to] = (word ?? "").split("~").map(Number);
  return Number.isFinite(from) && Number.isFinite(to) && to > from && from > 0 ? { from, to } : null;
}
