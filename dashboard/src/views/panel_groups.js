// The panels of a host in their groups, with a jump to each. Groups that are absent say why.

import { el, setAttribute, setChildren, setText } from "../lib/dom.js";
import { GROUPS } from "../panels.js";

/** @typedef {import("../panels.js").GroupName} GroupName */
/** @typedef {{ section: HTMLElement, grid: HTMLElement, jump: HTMLAnchorElement }} Group */

export class PanelGroups {
  #jumps = el("nav", { class: "jumps", "aria-label": "Groups of charts" });
  #absent = el("p", { class: "muted idle" });
  #sections = el("div", { class: "groups" });
  /** @type {Map<GroupName, Group>} */
  #groups = new Map();

  constructor() {
    this.element = el("div", { class: "groups-all" }, this.#jumps, this.#sections, this.#absent);
  }

  /**
   * @param {ReadonlyMap<GroupName, readonly HTMLElement[]>} panels
   * @param {boolean} guess why a group is absent, where the agent does not say
   */
  show(panels, guess) {
    const present = GROUPS.filter(({ name }) => (panels.get(name)?.length ?? 0) > 0);
    const groups = present.map(({ name, title }) => {
      const group = this.#group(name, title);
      setChildren(group.grid, panels.get(name) ?? []);
      return group;
    });
    setChildren(
      this.#sections,
      groups.map(({ section }) => section),
    );
    setChildren(
      this.#jumps,
      groups.map(({ jump }) => jump),
    );
    const absent = GROUPS.filter((group) => group.absent !== undefined && !present.includes(group));
    this.#absent.hidden = !guess || present.length === 0 || absent.length === 0;
    setText(this.#absent, absent.map(({ title, absent: why }) => `${title}: none (${why}).`).join(" "));
  }

  /**
   * @param {GroupName} name
   * @param {string} title
   */
  #group(name, title) {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const heading = el("h3", { class: "group-title", id: `group-${name}`, tabindex: -1 }, title);
    const grid = el("div", { class: "panels" });
    const section = el("section", { class: "group", "aria-labelledby": heading.id }, heading, grid);
    const jump = el("a", { class: "jump", href: `#${heading.id}` }, title);
    jump.addEventListener("click", (event) => {
      event.preventDefault(); // the address tells what is looked at, not how far down
      heading.scrollIntoView({ block: "start" });
      heading.focus({ preventScroll: true });
    });
    const group = { section, grid, jump };
    setAttribute(section, "data-group", name);
    this.#groups.set(name, group);
    return group;
  }
}
