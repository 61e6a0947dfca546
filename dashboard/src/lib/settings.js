// How the reader wants figures written. Kept by the browser, where it keeps anything.

import { Signal } from "./signal.js";

/** @typedef {{ zone: "local" | "utc", bytes: "iec" | "si" }} Settings */

const KEY = "sysmon-settings";
/** @type {{ [Name in keyof Settings]: readonly Settings[Name][] }} the first is what a new reader has */
export const CHOICES = { zone: ["local", "utc"], bytes: ["iec", "si"] };

/** @type {Signal<Settings>} */
export const settingsChanged = new Signal();

/** @type {Settings} */
export const settings = { zone: "local", bytes: "iec", ...kept() };

/** @param {Partial<Settings>} changes */
export function changeSettings(changes) {
  Object.assign(settings, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing still has it until the page is left
  }
  settingsChanged.emit(settings);
}

/** @returns {Partial<Settings>} only what is understood */
function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return Object.fromEntries(
      Object.entries(CHOICES).flatMap(([name, choices]) =>
        /** @type {readonly string[]} */ (choices).includes(found[name]) ? [[name, found[name]]] : [],
      ),
    );
  } catch {
    return {};
  }
}
