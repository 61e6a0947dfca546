// Keys that mean the same everywhere on the page. Those of a chart are in chart/keys.js.

/**
 * @typedef {object} Actions
 * @property {() => void} onSearch
 * @property {() => void} onHelp
 * @property {(view: import("./router.js").ViewName) => void} onView
 * @property {(share: number) => void} onMove a share of the window
 * @property {() => void} onPause
 */

/** @param {Actions} actions */
export function listenToKeys({ onSearch, onHelp, onView, onMove, onPause }) {
  /** @type {Record<string, () => void>} */
  const keys = {
    "/": onSearch,
    "?": onHelp,
    1: () => onView("single"),
    2: () => onView("compare"),
    3: () => onView("fleet"),
    "[": () => onMove(-0.5),
    "]": () => onMove(0.5),
    p: onPause,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (event.key === "Escape" && target instanceof HTMLInputElement) return target.blur();
    const writes = target instanceof HTMLElement && target.matches("input, select, textarea");
    if (writes || document.querySelector("dialog[open]") !== null || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
}
