// All hosts, one to a thousand: as a table or a grid, found, ordered and grouped; only those on screen exist.

import { FleetBar } from "../components/fleet_bar.js";
import { HostRow } from "../components/host_row.js";
import { HostTile } from "../components/host_tile.js";
import { parseFilter } from "../fleet/filter.js";
import { HEIGHTS, linesOf, visible } from "../fleet/lines.js";
import { formatSort, grouped, parseSort, sorted } from "../fleet/order.js";
import { TREND_SECONDS, Trends } from "../fleet/trends.js";
import { scheduler } from "../chart/scheduler.js";
import { el, setAttribute, setChildren, setProperty, setText } from "../lib/dom.js";

/** @typedef {import("../fleet/trouble.js").Known} Known */
/** @typedef {import("../state.js").KnownHost} KnownHost */
/** @typedef {import("../router.js").Words} Words */
/** @typedef {import("../fleet/order.js").SortKey} SortKey */

/** @type {{ key: SortKey | null, label: string, number?: boolean, name?: string }[]} */
const COLUMNS = [
  { key: "worst", label: "Status" },
  { key: "name", label: "Host" },
  { key: "cpu", label: "CPU", number: true },
  { key: null, label: "10 min", name: "row-trend" },
  { key: "memory", label: "Memory", number: true },
  { key: "disk", label: "Disk", number: true, name: "row-disk" },
  { key: "used", label: "Used", number: true, name: "row-used" },
  { key: "load", label: "Load", number: true, name: "row-load" },
  { key: "seen", label: "Seen", number: true, name: "row-seen" },
];
/** Hosts keep their places for so long while figures move, milliseconds: nobody can click a list that dances. */
const REORDER_EVERY_MS = 5000;

export class FleetView {
  #body = el("tbody");
  #grid = el("div", { class: "tiles", role: "list", "aria-label": "Hosts" });
  /** What is on screen, by name and form. @type {Map<string, HostRow | HostTile>} */
  #shown = new Map();
  /** The heads of groups on screen, likewise. @type {Map<string, ReturnType<typeof groupLine>>} */
  #groups = new Map();
  /** @type {Map<SortKey, HTMLTableCellElement>} */
  #heads = new Map();
  #none = el("p", { class: "muted hint" }, "No host is like that.");
  /** @type {import("../main.js").App | null} */
  #app = null;
  /** @type {Known[]} */
  #order = [];
  #orderKey = "";
  #orderedAt = 0;
  #trends = new Trends(() => scheduler.want(this));
  #spacers = [spacer("div"), spacer("div"), spacer("tr"), spacer("tr")];
  #onScroll = () => scheduler.want(this);

  /**
   * @param {(hostname: string) => void} onOpen
   * @param {(words: Words) => void} onWords
   */
  constructor(onOpen, onWords) {
    this.onOpen = onOpen;
    this.onWords = onWords;
    this.#bar = new FleetBar(onWords);
    const head = el("thead", {}, el("tr", {}, ...COLUMNS.map((column) => this.#head(column))));
    this.#rows = el("table", { class: "hosts", "aria-label": "All hosts" }, head, this.#body);
    this.#table = el("div", { class: "panel hosts-panel" }, this.#rows);
    this.element = el(
      "article",
      { class: "fleet", "aria-label": "All hosts" },
      this.#bar.element,
      this.#none,
      this.#table,
      this.#grid,
    );
    window.addEventListener("scroll", this.#onScroll, { passive: true });
    window.addEventListener("resize", this.#onScroll);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }
  #bar;
  #table;
  #rows;

  /** @param {import("../main.js").App} app */
  update(app) {
    this.#app = app;
    for (const host of app.fleet.hosts.values()) this.#trends.take(host);
    this.draw();
  }

  end() {
    window.removeEventListener("scroll", this.#onScroll);
    window.removeEventListener("resize", this.#onScroll);
    for (const one of this.#shown.values()) one.end();
    this.#shown.clear();
    scheduler.forget(this);
  }

  /** Called by the scheduler, too, where only the screen moved. */
  draw() {
    if (this.#app === null) return;
    const { fleet, router } = this.#app;
    const { words } = router.route;
    const now = fleet.clock.now();
    const sort = parseSort(words.sort);
    const { test, problems } = parseFilter(words.q ?? "");
    this.#arrange(fleet, `${fleet.version} ${formatSort(sort)}`, sort);
    const hosts = this.#order.flatMap(({ hostname }) => {
      const host = fleet.hosts.get(hostname);
      return host !== undefined && test(host, now) ? [host] : [];
    });
    this.#bar.show(fleet, words, { found: hosts.length, problems, sort: sort.key });
    for (const [key, head] of this.#heads)
      setAttribute(head, "aria-sort", key === sort.key ? (sort.reverse ? "ascending" : "descending") : undefined);
    const grid = words.layout === "grid";
    this.#none.hidden = hosts.length > 0;
    this.#table.hidden = grid || hosts.length === 0;
    this.#grid.hidden = !grid || hosts.length === 0;
    this.#place(grouped(hosts, words.group, sort), { grid, now, total: hosts.length });
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {string} key
   * @param {import("../fleet/order.js").Sort} sort
   */
  #arrange(fleet, key, sort) {
    const now = performance.now();
    if (key === this.#orderKey && now - this.#orderedAt < REORDER_EVERY_MS) return;
    this.#orderKey = key;
    this.#orderedAt = now;
    this.#order = sorted([...fleet.hosts.values()], sort);
  }

  /**
   * @param {import("../fleet/order.js").Group[]} groups
   * @param {{ grid: boolean, now: number, total: number }} about
   */
  #place(groups, { grid, now, total }) {
    const holder = grid ? this.#grid : this.#body;
    const columns = grid ? columnsOf(this.#grid) : 1;
    const lines = linesOf(groups, columns);
    const top = -holder.getBoundingClientRect().top;
    const height = grid ? HEIGHTS.grid : HEIGHTS.table;
    const part = visible(lines, height, { from: top, to: top + window.innerHeight });
    const shown = lines.slice(part.first, part.end);
    const names = shown.flatMap((line) => (line.kind === "hosts" ? line.hosts.map(({ hostname }) => hostname) : []));
    const heads = shown.flatMap((line) => (line.kind === "group" ? [line.name] : []));
    this.#forgetOthers(
      new Set(names.map((name) => keyOf(grid, name))),
      new Set(heads.map((name) => keyOf(grid, name))),
    );
    const window_ = { from: now - TREND_SECONDS, to: now };
    const elements = shown.flatMap((line, index) => {
      const row = part.first + index + 2; // of the whole table, from 1, behind its head
      if (line.kind === "group") return [this.#group(grid, line, row)];
      return line.hosts.map((host, column) => {
        const one = this.#make(grid, host.hostname);
        one.show(/** @type {KnownHost} */ (host), now, this.#trends.of(host.hostname), window_);
        setAttribute(one.element, grid ? "aria-posinset" : "aria-rowindex", grid ? line.first + column + 1 : row);
        if (grid) setAttribute(one.element, "aria-setsize", total);
        return one.element;
      });
    });
    setAttribute(this.#rows, "aria-rowcount", lines.length + 1);
    const [above, below] = grid ? this.#spacers.slice(0, 2) : this.#spacers.slice(2);
    for (const [element, room] of /** @type {const} */ ([
      [above, part.above],
      [below, part.below],
    ])) {
      setProperty(element, "--room", `${room}px`);
      element.hidden = room === 0;
    }
    setChildren(holder, [above, ...elements, below]);
    void this.#trends.want(names, now);
  }

  /**
   * @param {ReadonlySet<string>} wanted
   * @param {ReadonlySet<string>} heads
   */
  #forgetOthers(wanted, heads) {
    for (const key of this.#groups.keys()) if (!heads.has(key)) this.#groups.delete(key);
    for (const [key, one] of this.#shown) {
      if (wanted.has(key)) continue;
      one.end();
      this.#shown.delete(key);
    }
  }

  /**
   * @param {boolean} grid
   * @param {string} hostname
   */
  #make(grid, hostname) {
    const key = keyOf(grid, hostname);
    const known = this.#shown.get(key);
    if (known !== undefined) return known;
    const open = () => this.onOpen(hostname);
    const made = grid ? new HostTile(hostname, open) : new HostRow(hostname, open);
    this.#shown.set(key, made);
    return made;
  }

  /**
   * @param {boolean} grid
   * @param {{ name: string, about: string }} line
   * @param {number} row
   */
  #group(grid, { name, about }, row) {
    const key = keyOf(grid, name);
    const known = this.#groups.get(key) ?? groupLine(grid, name);
    this.#groups.set(key, known);
    setText(known.about, about);
    if (!grid) setAttribute(known.element, "aria-rowindex", row);
    return known.element;
  }

  /** @param {typeof COLUMNS[number]} column */
  #head({ key, label, number, name }) {
    if (key === null) return el("th", { scope: "col", class: name }, label);
    const button = el("button", { type: "button", class: "sort-button" }, label);
    button.addEventListener("click", () => {
      const sort = parseSort(this.#app?.router.route.words.sort);
      const wanted = formatSort({ key, reverse: sort.key === key && !sort.reverse });
      this.onWords({ sort: wanted === "worst" ? "" : wanted });
    });
    const head = el(
      "th",
      { scope: "col", class: [number && "number", name].filter(Boolean).join(" ") || undefined },
      button,
    );
    this.#heads.set(key, head);
    return head;
  }

  /** The arrows go from host to host. @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = event.target;
    if (step === undefined || !(from instanceof HTMLElement) || from instanceof HTMLSelectElement) return;
    const beside = () => {
      const links = [...this.element.querySelectorAll(":is(.host-row, .tile) .link-button")];
      return /** @type {HTMLElement | undefined} */ (links[links.indexOf(from) + step]);
    };
    if (beside() === undefined) {
      window.scrollBy(0, step * HEIGHTS.grid); // keys come faster than pictures
      this.draw();
    }
    const next = beside();
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}

/**
 * @param {boolean} grid
 * @param {string} hostname
 */
const keyOf = (grid, hostname) => `${grid ? "tile" : "row"} ${hostname}`;

/** How many tiles stand beside each other: the sheet decides it. @param {HTMLElement} grid */
const columnsOf = (grid) => getComputedStyle(grid).gridTemplateColumns.split(" ").length;

/** @param {"div" | "tr"} tag */
function spacer(tag) {
  return tag === "tr"
    ? el("tr", { class: "spacer", "aria-hidden": "true" }, el("td"))
    : el("div", { class: "spacer", "aria-hidden": "true" });
}

/**
 * @param {boolean} grid
 * @param {string} name
 */
function groupLine(grid, name) {
  const about = el("span", { class: "muted" });
  const content = [el("bdi", { class: "fleet-group-name" }, name), " ", about];
  const element = grid
    ? el("div", { class: "fleet-group", role: "presentation" }, ...content)
    : el("tr", { class: "fleet-group" }, el("th", { colspan: 2, scope: "rowgroup" }, ...content));
  return { element, about };
}
