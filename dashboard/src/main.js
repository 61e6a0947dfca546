// Puts the parts together: state, link, address and views. Everything is drawn from the state, at most once a frame.

import { watchTaps } from "./chart/gestures.js";
import { scheduler } from "./chart/scheduler.js";
import { openHelp } from "./components/later_dialogs.js";
import { linkIsBack, NotLoaded } from "./components/not_loaded.js";
import { listenToKeys } from "./keyboard.js";
import { Feed } from "./feed.js";
import { loadStyle } from "./lib/style.js";
import { settingsChanged } from "./lib/settings.js";
import { Ranges } from "./ranges.js";
import { MOST_COMPARED, Router } from "./router.js";
import { Fleet, HostCache } from "./state.js";
import { Tab } from "./tab.js";
import { TimeControl } from "./time_control.js";
import { LIVE } from "./time_range.js";
import { HostView } from "./views/host.js";
import { Shell } from "./views/shell.js";
import { Skeleton } from "./views/skeleton.js";

/** @typedef {import("./router.js").ViewName} ViewName */
/** @typedef {import("./time_range.js").Range} Range */
/** @typedef {{ host: string, why: string }} LeftOut a host that the address names and that is not shown */
/**
 * @typedef {object} Shown what is on screen
 * @property {ViewName} view
 * @property {string | null} host
 * @property {readonly string[]} hosts
 * @property {readonly LeftOut[]} left
 * @property {Range} range
 */
/** @typedef {{ fleet: Fleet, cache: HostCache, feed: Feed, ranges: Ranges, router: Router, shown: Shown }} App */
/** @typedef {{ element: HTMLElement, update(app: App): "more" | void, end(): void }} View */

/** Hosts that a comparison begins with. */
const FIRST_COMPARED = 4;
const TICK_MS = 1000;
/** A server that answers sooner is waited for: an outline of a blink costs the first figures their time. */
const OUTLINE_AFTER_MS = 200;

class Page {
  fleet = new Fleet();
  cache = new HostCache();
  feed = new Feed(this.fleet, this.cache);
  router = new Router();
  ranges = new Ranges(this.cache, (host) => this.#nowAt(host));
  /** @type {Shown} */
  shown = { view: "single", host: null, hosts: [], left: [], range: LIVE };
  #time = new TimeControl(this.router, this.ranges, (window) => this.#explain(window));
  /** @type {View} */
  #view = new Skeleton();
  #viewKey = "";
  /** Where the address names no view. Hosts that come later take nobody away from what they read.
   *  @type {ViewName | null} */
  #home = null;
  /** @type {string | null} */
  #opened = null;
  /** @type {number | null} */
  #frozenSince = null;
  /** @type {import("./live.js").LinkState} */
  #linkBefore = "connecting";
  #tab = new Tab();

  constructor() {
    this.#shell = new Shell({
      onHost: (host) =>
        this.router.go(
          this.shown.view === "compare"
            ? { host, compare: this.#comparedWith(host) }
            : { host, view: "single", words: this.#otherWords },
        ),
      onView: (view) => this.#goTo(view),
      onRetry: () => this.feed.retry(),
      onSearch: (q) => this.router.go({ view: "fleet", words: { ...this.router.route.words, q } }),
      timeBar: this.#time.bar.element,
    });
    listenToKeys({
      onSearch: () => this.#search(),
      onHelp: openHelp,
      onView: (view) => this.#goTo(view),
      onMove: (share) => this.shown.view !== "fleet" && this.#time.bar.move(share),
      onPause: () => this.shown.view !== "fleet" && this.#time.bar.togglePause(),
    });
    watchTaps();
    this.feed.sampled.listen((frame) => this.ranges.sample(frame));
    this.ranges.changed.listen(() => scheduler.want(this));
    settingsChanged.listen(() => scheduler.want(this));
    this.feed.changed.listen(() => this.#changed());
    this.router.changed.listen(() => this.#changed());
  }
  #shell;

  start() {
    this.feed.start();
    this.#shell.hold(this.#view.element);
    setTimeout(() => {
      this.#patient = false;
      scheduler.want(this);
    }, OUTLINE_AFTER_MS);
    setInterval(() => this.#tick(), TICK_MS);
  }
  #patient = true;

  /** Called by the scheduler. */
  draw() {
    if (this.#patient && !this.fleet.loaded) return;
    if (!this.#shell.elements[0].isConnected) document.querySelector("noscript")?.replaceWith(...this.#shell.elements);
    this.#shell.update(this, this.#frozenSince);
    this.#time.update(this, this.#onScreen);
    if (this.#view.update(this) === "more") setTimeout(() => scheduler.want(this)); // after what is there is seen
  }

  #tick() {
    this.ranges.tick();
    scheduler.want(this); // ages grow without any frame
  }

  /**
   * Where the window of a host ends that follows: by its own clock, and where it fell silent with its last samples.
   * @param {string} [host]
   */
  #nowAt(host) {
    const data = host !== undefined && this.cache.has(host) ? this.cache.get(host) : undefined;
    if (data === undefined || data.newest === -Infinity) return this.fleet.clock.now();
    const silent = data.stale || this.fleet.hosts.get(data.hostname)?.status === "offline";
    return data.newest + (silent ? 0 : data.age);
  }

  /** The hosts whose charts are on screen. */
  get #onScreen() {
    const { view, host, hosts } = this.shown;
    if (view === "compare") return hosts;
    return view === "single" && host !== null && this.fleet.hosts.has(host) ? [host] : [];
  }

  /** To the field that finds hosts, which is that of the fleet where the view has none. */
  #search() {
    const field = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-search]:not([hidden])"));
    if (field() === null) this.#goTo("fleet");
    field()?.focus();
  }

  /** What was explained of one host says nothing of another. */
  get #otherWords() {
    return { ...this.router.route.words, explain: "", core: "" };
  }

  /** @param {import("./chart/plot.js").TimeWindow} window */
  #explain({ from, to }) {
    this.router.go({ words: { ...this.router.route.words, explain: `${Math.floor(from)}~${Math.ceil(to)}` } });
  }

  #changed() {
    this.#resolve();
    const { state } = this.feed.link;
    if (state === "live" && this.#linkBefore !== "live") linkIsBack.emit();
    this.#linkBefore = state;
    this.#frozenSince = state === "lost" ? (this.#frozenSince ?? (this.fleet.loaded ? Date.now() / 1000 : null)) : null;
    this.#showView();
    this.#tab.show(this);
    scheduler.want(this);
    if (this.#begun || !this.fleet.loaded) return;
    this.#begun = true;
    scheduler.flush(); // the first figures do not wait for a frame
  }
  #begun = false;

  /** What the address asks for, as far as the fleet has it. */
  #resolve() {
    const { host, compare, range } = this.router.route;
    const { fleet } = this;
    const view = this.#viewOf(this.router.route);
    const known = compare.filter((name) => fleet.hosts.has(name));
    const hosts = view === "compare" ? known.slice(0, MOST_COMPARED) : [];
    const left = compare
      .filter((name) => !hosts.includes(name))
      .map((name) => ({ host: name, why: fleet.hosts.has(name) ? `${MOST_COMPARED} at most` : "unknown" }));
    this.shown = { view, host: host ?? this.#firstHost(), hosts, left, range };
    if (!fleet.loaded) return;
    this.feed.watch(this.#onScreen);
    this.#time.want(this, this.#onScreen);
  }

  /**
   * Several hosts are looked at from above, one is looked at.
   * @param {import("./router.js").Route} route
   */
  #viewOf({ view, host }) {
    const { length } = this.fleet.names;
    if (length > 0) this.#home ??= length > 1 ? "fleet" : "single";
    return view ?? (host === null ? this.#home : null) ?? "single";
  }

  /** Whom to open with where the address names nobody: the first that is up, and then still that one. */
  #firstHost() {
    const { fleet } = this;
    if (this.#opened === null || !fleet.hosts.has(this.#opened))
      this.#opened = fleet.names.find((name) => fleet.hosts.get(name)?.status === "online") ?? fleet.names[0] ?? null;
    return this.#opened;
  }

  #showView() {
    const key = this.#keyOfView();
    if (key === this.#viewKey) return;
    this.#view.end();
    this.#viewKey = key;
    const made = this.#makeView(key);
    if (!(made instanceof Promise)) return this.#hold(made);
    this.#hold(new Skeleton());
    made.then(
      (view) => (key === this.#viewKey ? this.#hold(view) : view.end()),
      () => key === this.#viewKey && this.#hold(new NotLoaded(() => this.#showAgain())),
    );
  }

  /** The view whose code could not be fetched. */
  #showAgain() {
    this.#viewKey = "";
    this.#showView();
  }

  /** @param {View} view */
  #hold(view) {
    this.#view = view;
    this.#shell.hold(view.element);
    scheduler.want(this);
  }

  #keyOfView() {
    const { view, host } = this.shown;
    if (!this.fleet.loaded) return "";
    if (this.fleet.names.length === 0) return "empty";
    if (view !== "single" || host === null) return view;
    return `${this.fleet.hosts.has(host) ? "host" : "unknown"}:${host}`;
  }

  /**
   * @param {string} key
   * @returns {View | Promise<View>} what most visits never open is loaded when it is opened
   */
  #makeView(key) {
    const host = this.shown.host ?? "";
    const open = (/** @type {string} */ name) =>
      this.router.go({ view: "single", host: name, words: this.#otherWords });
    if (key === "") return new Skeleton();
    if (key === "empty") return import("./views/notice.js").then(({ EmptyFleet }) => new EmptyFleet());
    if (key === "compare") return this.#makeCompare(open);
    if (key === "fleet") return this.#makeFleet(open);
    if (key.startsWith("host:")) return new HostView(host, (words) => this.router.say(words));
    return import("./views/notice.js").then(({ UnknownHost }) => new UnknownHost(host));
  }

  /** @param {(hostname: string) => void} open */
  async #makeCompare(open) {
    const [{ CompareView }] = await Promise.all([import("./views/compare.js"), loadStyle("css/fleet.css")]);
    return new CompareView(
      (compare) => this.router.go({ compare }),
      open,
      (words) => this.router.say(words),
    );
  }

  /** @param {(hostname: string) => void} open */
  async #makeFleet(open) {
    const styles = ["css/tables.css", "css/fleet.css"].map(loadStyle);
    const [{ FleetView }] = await Promise.all([import("./views/fleet.js"), ...styles]);
    return new FleetView(open, (words) => this.router.say(words));
  }

  /** @param {ViewName} view */
  #goTo(view) {
    const { compare } = this.router.route;
    this.router.go(view === "compare" && compare.length === 0 ? { view, compare: this.#firstCompared() } : { view });
  }

  /** The host on screen, and those after it that are up. */
  #firstCompared() {
    const { fleet, shown } = this;
    const up = fleet.names.filter((name) => fleet.hosts.get(name)?.status === "online");
    const names =
      fleet.names.length <= FIRST_COMPARED ? fleet.names : [...(shown.host === null ? [] : [shown.host]), ...up];
    return [...new Set(names)].slice(0, FIRST_COMPARED);
  }

  /** @param {string} host */
  #comparedWith(host) {
    return [...new Set([...this.shown.hosts, host])].slice(0, MOST_COMPARED);
  }
}

new Page().start();
