// The host to look at, as a list that every browser and every reader knows.

import { el, setText } from "../lib/dom.js";
import { STATUS_GLYPHS } from "./status.js";

export class HostSelect {
  #select = el("select", { class: "host-select", id: "host-select" });
  /** @type {Map<string, HTMLOptionElement>} */
  #options = new Map();
  #version = -1;
  /** Stands while no host is chosen, and cannot be chosen. */
  #placeholder = el("option", { value: "", disabled: true, hidden: true });

  /** @param {(hostname: string) => void} onPick */
  constructor(onPick) {
    this.#select.append(this.#placeholder);
    this.#select.addEventListener("change", () => onPick(this.#select.value));
    this.element = el("label", { class: "host-picker" }, el("span", { class: "visually-hidden" }, "Host"), this.#select);
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {string | null} selected
   * @param {string} invitation what the list says where none is selected
   */
  show(fleet, selected, invitation) {
    setText(this.#placeholder, invitation);
    if (fleet.version !== this.#version) this.#fill(fleet);
    this.#version = fleet.version;
    const value = selected !== null && this.#options.has(selected) ? selected : "";
    if (this.#select.value !== value) this.#select.value = value;
    this.#select.disabled = this.#options.size === 0;
  }

  /** @param {import("../state.js").Fleet} fleet */
  #fill(fleet) {
    for (const [name, option] of this.#options) {
      if (fleet.hosts.has(name)) continue;
      option.remove();
      this.#options.delete(name);
    }
    fleet.names.forEach((name, index) => this.#place(fleet, name, index));
  }

  /**
   * @param {import("../state.js").Fleet} fleet
   * @param {string} name
   * @param {number} index
   */
  #place(fleet, name, index) {
    const host = fleet.hosts.get(name);
    if (host === undefined) return;
    const option = this.#options.get(name) ?? el("option", { value: name });
    this.#options.set(name, option);
    const platform = host.platform ? ` (${host.platform})` : "";
    setText(option, `${STATUS_GLYPHS[host.status]} ${name}${platform}${host.status === "offline" ? ", offline" : ""}`);
    const place = index + 1; // after the placeholder
    if (this.#select.options[place] !== option) this.#select.add(option, place);
  }
}
