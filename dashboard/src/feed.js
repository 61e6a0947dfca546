// Brings the server's frames into the state: one channel for the fleet, one for the hosts that are looked at.

import { getHistory, openLive } from "./api.js";
import { Signal } from "./lib/signal.js";
import { Channel, worstOf } from "./live.js";
import { CHARTED } from "./panels.js";
import { WINDOW_SECONDS } from "./state.js";

/** Most pages never poll. */
const polling = () => import("./polling.js");
/** The fleet speaks each second: this long without a word and the link is dead, whatever TCP believes. */
const SILENCE_MS = 10_000;
/** A distance of this many times the usual one has lost a sample on its way. */
const HOLE = 1.6;
const REFILL_EVERY_MS = 5000;

export class Feed {
  /** Something that is shown may be another. @type {Signal<void>} */
  changed = new Signal();
  /** A live sample of a host. @type {Signal<import("./api.js").SampleFrame>} */
  sampled = new Signal();
  /** @type {Channel | null} */
  #hosts = null;
  /** @type {readonly string[]} */
  #watched = [];
  #fullNext = true;
  /** When holes were last asked for, by host. @type {Map<string, number>} */
  #refilled = new Map();

  /**
   * @param {import("./state.js").Fleet} fleet
   * @param {import("./state.js").HostCache} cache
   */
  constructor(fleet, cache) {
    this.fleet = fleet;
    this.cache = cache;
    this.#fleetChannel = new Channel({
      open: () => openLive([]),
      poll: async (signal) => (await polling()).pollFleet(signal),
      onFrame: (frame) => this.#take(frame),
      silence: SILENCE_MS,
    });
    this.#fleetChannel.opened.listen(() => (this.#fullNext = true));
    this.#fleetChannel.changed.listen((state) => this.#fleetLink(state));
  }
  #fleetChannel;

  start() {
    this.#fleetChannel.start();
    window.addEventListener("online", () => this.retry());
  }

  retry() {
    this.#fleetChannel.retry();
    this.#hosts?.retry();
  }

  /** The state of the link as the page tells it. */
  get link() {
    const channels = this.#hosts === null ? [this.#fleetChannel] : [this.#fleetChannel, this.#hosts];
    const state = worstOf(channels.map((channel) => channel.state));
    const retryAt = Math.max(
      ...channels.filter((channel) => channel.state === state).map((channel) => channel.retryAt),
    );
    return { state, retryAt };
  }

  /** @param {readonly string[]} hostnames the hosts to follow from now on */
  watch(hostnames) {
    if (hostnames.length === this.#watched.length && hostnames.every((name, index) => name === this.#watched[index]))
      return;
    this.#watched = [...hostnames];
    this.#hosts?.end();
    this.#hosts = hostnames.length === 0 ? null : this.#openHosts(this.#watched);
    this.#hosts?.start();
  }

  /** @param {readonly string[]} hostnames */
  #openHosts(hostnames) {
    const channel = new Channel({
      open: () => openLive(hostnames),
      poll: async (signal) =>
        (await polling()).pollHosts(
          hostnames.map((name) => this.cache.get(name)),
          this.fleet.clock.now(),
          signal,
        ),
      onFrame: (frame) => this.#take(frame),
    });
    channel.changed.listen(() => this.changed.emit());
    return channel;
  }

  /** @param {import("./live.js").LinkState} state */
  #fleetLink(state) {
    if (state !== "live") this.#fullNext = true;
    if (state === "lost" || state === "live") this.#hosts?.retry();
    this.changed.emit();
  }

  /** @param {import("./api.js").LiveFrame} frame */
  #take(frame) {
    switch (frame.type) {
      case "fleet":
        this.fleet.apply(frame, this.#fullNext);
        this.#fullNext = this.#fleetChannel.state !== "live";
        break;
      case "static":
        for (const info of frame.hosts) this.cache.get(info.hostname).info = info;
        break;
      case "history":
        this.#history(frame);
        break;
      case "sample":
        this.#sample(frame);
        break;
    }
    this.changed.emit();
  }

  /** @param {import("./api.js").HistoryFrame} frame */
  #history({ host, series }) {
    const data = this.cache.get(host);
    const first = !data.loaded;
    const known = this.fleet.hosts.get(host);
    const lastSeen = known?.last_seen;
    data.applyHistory(series, this.fleet.clock.now(), known?.status === "online" ? lastSeen : undefined);
    if (first && known?.status === "online") data.clock.note(data.newest, known.last_seen);
    if (first && data.newest === -Infinity && lastSeen !== undefined) void this.#fetch(host, lastSeen - WINDOW_SECONDS);
  }

  /** @param {import("./api.js").SampleFrame} frame */
  #sample(frame) {
    const { host, timestamp, metrics } = frame;
    const data = this.cache.get(host);
    const before = data.newest;
    const hole = before > -Infinity && timestamp - before > Math.max(1.5, HOLE * data.pace);
    if (timestamp > before) data.clock.note(timestamp, this.fleet.clock.now());
    data.applySample(timestamp, metrics);
    this.sampled.emit(frame);
    if (hole) this.#refill(host, Math.max(before, timestamp - WINDOW_SECONDS));
  }

  /**
   * @param {string} host
   * @param {number} from
   */
  #refill(host, from) {
    const now = performance.now();
    if (now - (this.#refilled.get(host) ?? -Infinity) < REFILL_EVERY_MS) return;
    this.#refilled.set(host, now);
    void this.#fetch(host, from);
  }

  /**
   * What could not be had stays a gap, as it was: the channel tells of a server that is gone.
   * @param {string} host
   * @param {number} from
   */
  async #fetch(host, from) {
    const data = this.cache.get(host);
    const to = Math.max(data.newest, this.fleet.clock.now()); // its clock may be ahead of the server's
    const series = await getHistory({ host, metrics: CHARTED, from, to }).catch(() => []);
    data.applyHistory(series, this.fleet.clock.now());
    this.changed.emit();
  }
}
