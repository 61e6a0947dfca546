// What stands where there is no host to show: nobody enrolled, or none of that name.

import { serverAddress } from "../api.js";
import { el } from "../lib/dom.js";

export class EmptyFleet {
  constructor() {
    const command = `sysmond agent --aggregator ${serverAddress()} --token-file token`;
    this.element = el(
      "article",
      { class: "notice", "aria-label": "No hosts yet" },
      el("h2", {}, "No host has reported yet"),
      el("p", {}, "On the machine to be watched, run:"),
      commandLine(command),
      el(
        "p",
        { class: "muted" },
        "The token is in the file ",
        el("code", {}, "token"),
        " of the aggregator’s data directory, ",
        el("code", {}, "~/.sysmon"),
        " unless set otherwise. Copy it to the machine first.",
      ),
      el("p", { class: "muted" }, "This page shows the host as soon as it reports."),
    );
  }
  update() {}
  end() {}
}

export class UnknownHost {
  /** @param {string} hostname */
  constructor(hostname) {
    this.hostname = hostname;
    this.element = el(
      "article",
      { class: "notice", "aria-label": "Unknown host" },
      el("h2", {}, "There is no host named “", el("bdi", {}, hostname), "”"),
      el("p", {}, "It never reported to this server, or was removed. Choose another above."),
    );
  }
  update() {}
  end() {}
}

/** @param {string} command */
function commandLine(command) {
  const line = el("div", { class: "command" }, el("code", { tabindex: 0 }, command));
  if (navigator.clipboard === undefined) return line; // only offered where the page was loaded safely
  const button = el("button", { type: "button", class: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command);
    button.textContent = "Copied";
  });
  line.append(button);
  return line;
}
