// What is behind the gear and the question mark: how figures are written, and which keys do what.

import { el } from "../lib/dom.js";
import { changeSettings, settings } from "../lib/settings.js";
import { loadStyle } from "../lib/style.js";

await loadStyle("css/dialogs.css");

/** @typedef {import("../lib/settings.js").Settings} Settings */

/** @type {{ name: keyof Settings, title: string, choices: [string, string][] }[]} */
const SETTINGS = [
  {
    name: "zone",
    title: "Times",
    choices: [
      ["local", "Local time"],
      ["utc", "UTC"],
    ],
  },
  {
    name: "bytes",
    title: "Bytes",
    choices: [
      ["iec", "KiB, MiB, GiB (1024)"],
      ["si", "kB, MB, GB (1000)"],
    ],
  },
];

/** @type {[string, [string, string][]][]} */
const KEYS = [
  [
    "Everywhere",
    [
      ["/", "Find a host"],
      ["1 2 3", "Single, compare, all hosts"],
      ["[ ]", "Earlier, later"],
      ["p", "Pause, and live again"],
      ["?", "This list"],
      ["Esc", "Close, leave"],
    ],
  ],
  [
    "On a chart",
    [
      ["← →", "Move the cursor; the values are spoken"],
      ["Home End", "To the first and the last sample"],
      ["Space", "Begin a span, then move to its other end"],
      ["Enter", "Zoom into the span"],
      ["e", "What moved in the span, on the page of one host"],
      ["Backspace", "Back to the time before"],
    ],
  ],
  [
    "With a mouse",
    [
      ["Drag", "Zoom"],
      ["Shift + drag", "What moved in that span, on the page of one host"],
      ["Drag the time axis", "Pan; so does turning the wheel sideways"],
      ["Double click", "Back"],
    ],
  ],
  [
    "With fingers",
    [
      ["Tap", "Set the cursor, and read the values"],
      ["Drag sideways", "Zoom"],
      ["Two fingers", "Stretch the time; double tap leads back"],
    ],
  ],
  ["In the list of hosts", [["↑ ↓", "From host to host"]]],
  [
    "In the search of hosts",
    [
      ["web", "Part of a name or of a tag"],
      ["tag:role=db", "A tag; * stands for anything"],
      ["status:stale", "online, stale (its values no longer move), offline"],
      ["level:high", "Anything high; “very high” alone in quotes"],
      ["cpu>80 mem>80", "Percent, as disk>90 of the fullest file system"],
      ["load>8", "Also load/core>2, used>4GiB, seen>600 (seconds)"],
      ["-tag:role=db", "Not so. Words beside each other must all hold"],
    ],
  ],
];

export function showSettings() {
  const groups = SETTINGS.map(({ name, title, choices }) =>
    el("fieldset", {}, el("legend", {}, title), ...choices.map(([value, text]) => choice(name, value, text))),
  );
  open("Settings", [...groups, el("p", { class: "muted" }, "Kept in this browser.")]);
}

export function showHelp() {
  const parts = KEYS.map(([title, keys]) =>
    el(
      "section",
      {},
      el("h3", {}, title),
      el(
        "dl",
        { class: "keys" },
        ...keys.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)]),
      ),
    ),
  );
  open("Keys and gestures", parts);
}

/**
 * @param {keyof Settings} name
 * @param {string} value
 * @param {string} text
 */
function choice(name, value, text) {
  const input = el("input", { type: "radio", name, value, checked: settings[name] === value });
  input.addEventListener("change", () => changeSettings({ [name]: value }));
  return el("label", { class: "choice" }, input, " ", text);
}

/**
 * @param {string} title
 * @param {readonly Node[]} content
 */
function open(title, content) {
  document.querySelector("dialog")?.close();
  const close = el("button", { type: "button", class: "button" }, "Close");
  const dialog = el(
    "dialog",
    { class: "dialog", "aria-label": title },
    el("header", { class: "dialog-head" }, el("h2", {}, title), close),
    ...content,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
