// The dialogs, whose code is fetched when one of them is first wanted.

import { el } from "../lib/dom.js";
import { notLoaded } from "./not_loaded.js";

export const openHelp = () => void open((dialogs) => dialogs.showHelp());
export const openSettings = () => void open((dialogs) => dialogs.showSettings());

/** @param {(dialogs: typeof import("./dialogs.js")) => void} show */
async function open(show) {
  try {
    show(await import("./dialogs.js"));
  } catch {
    const dialog = el("dialog", { class: "dialog not-loaded-dialog", "aria-label": "Not loaded" });
    dialog.append(notLoaded(() => (dialog.close(), void open(show))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
}
