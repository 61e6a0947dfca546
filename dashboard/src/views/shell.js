// The page around the views: the bar on top, the fleet's figures, the choice of host and view.

import { HostSelect } from "../components/host_select.js";
import { openHelp, openSettings } from "../components/later_dialogs.js";
import { LinkWord, LostBanner } from "../components/link_state.js";
import { RoomBanner } from "../components/room_banner.js";
import { ThemeButton } from "../components/theme_button.js";
import { ViewSwitch } from "../components/view_switch.js";
import { el, setAttribute, setChildren } from "../lib/dom.js";
import { Overview } from "./overview.js";

/** @typedef {import("../router.js").ViewName} ViewName */

/**
 * @typedef {object} Parts
 * @property {(hostname: string) => void} onHost
 * @property {(view: ViewName) => void} onView
 * @property {() => void} onRetry
 * @property {(q: string) => void} onSearch
 * @property {HTMLElement} timeBar
 */

/** What the list of hosts is for, in each view. @type {Record<ViewName, string>} */
const INVITATIONS = { single: "Choose a host", compare: "Add a host", fleet: "Choose a host" };

export class Shell {
  #link = new LinkWord();
  #room = new RoomBanner();
  #main = el("main", { id: "main" });

  /** @param {Parts} parts */
  constructor({ onHost, onView, onRetry, onSearch, timeBar }) {
    this.#overview = new Overview(onSearch);
    this.#select = new HostSelect(onHost);
    this.#views = new ViewSwitch(onView);
    this.#banner = new LostBanner(onRetry);
    const brand = el("h1", { class: "brand" }, el("span", { class: "brand-mark", "aria-hidden": "true" }), "sysmon");
    const bar = el("header", { class: "topbar" }, brand, this.#link.element, ...buttons(), new ThemeButton().element);
    this.#selector = el(
      "nav",
      { class: "selector", "aria-label": "Host and view" },
      this.#select.element,
      this.#views.element,
    );
    this.#content = el(
      "div",
      { class: "content" },
      this.#banner.element,
      this.#room.element,
      this.#overview.element,
      this.#selector,
      timeBar,
      this.#main,
    );
    this.#timeBar = timeBar;
    this.elements = [bar, this.#content];
  }
  #timeBar;
  #overview;
  #select;
  #views;
  #banner;
  #selector;
  #content;

  /**
   * @param {import("../main.js").App} app
   * @param {number | null} frozenSince
   */
  update({ fleet, feed, shown }, frozenSince) {
    const { link } = feed;
    this.#link.show(link.state);
    this.#banner.show(link, frozenSince);
    this.#room.update(fleet, link.state);
    setAttribute(this.#content, "data-link", link.state);
    this.#overview.update(fleet, shown.view);
    this.#selector.hidden = fleet.loaded && fleet.names.length === 0;
    this.#timeBar.hidden = shown.view === "fleet" || fleet.names.length === 0;
    this.#select.show(fleet, shown.view === "single" ? shown.host : null, INVITATIONS[shown.view]);
    this.#views.show(shown.view);
  }

  /** @param {HTMLElement} element the view */
  hold(element) {
    setChildren(this.#main, [element]);
  }
}

function buttons() {
  const [help, gear] = [topButton("?", "Keys and gestures"), topButton("", "Settings")];
  gear.classList.add("gear-button");
  help.addEventListener("click", openHelp);
  gear.addEventListener("click", openSettings);
  return [help, gear];
}

/**
 * @param {string} text
 * @param {string} label
 */
function topButton(text, label) {
  return el("button", { type: "button", class: "button top-button", "aria-label": label, title: label }, text);
}
