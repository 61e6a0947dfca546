// How long a visit waits for its first figures, and for its first chart, from the begin of the navigation, over
// loopback, with nothing kept from an earlier visit. Beside it what a page costs in the same browser that has one
// script and one word: a visit of it follows each visit of ours.
//
//     SYSMOND_BIN=../target/release/sysmond node bench/first.js [VISITS]

import { createServer } from "node:http";
import { once } from "node:events";
import { launch, openPage } from "../e2e/browser.js";
import { Sysmond } from "../e2e/sysmond.js";

const VISITS = Number(process.argv[2] ?? 20);
/** What the page says before the times of its steps. */
const DONE = "first.js: ";
/** In the order in which they come. @type {Record<string, string>} */
const STEPS = {
  empty: "an empty page: its word",
  document: "the page's first byte",
  files: "its script and sheet are there",
  opened: "the fleet's WebSocket is open",
  fleet: "the fleet's first frame",
  figures: "**the first figures**",
  history: "the host's history",
  chart: "**the first chart**",
};

const empty = createServer((request, answer) => {
  const script = request.url === "/script.js";
  answer.setHeader("content-type", script ? "text/javascript" : "text/html");
  answer.end(
    script ? "word.textContent = 1" : `<!doctype html><p id="word"></p><script type="module" src="script.js"></script>`,
  );
});
empty.listen(0, "127.0.0.1");
await once(empty, "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (empty.address());

const sysmond = await Sysmond.start();
const browser = await launch();
/** @type {Record<string, number>[]} */
const visits = [];
try {
  for (let visit = 0; visit <= VISITS; visit += 1) {
    const ours = await visitOf(sysmond.url, ["figures", "chart"]);
    visits.push({ ...ours, ...(await visitOf(`http://127.0.0.1:${port}/`, ["empty"])) });
  }
} finally {
  await browser.close();
  await sysmond.end();
  empty.close();
}
visits.shift(); // the browser itself was not warm
process.stdout.write("| until | least ms | median ms | most ms |\n| --- | ---: | ---: | ---: |\n");
for (const [step, what] of Object.entries(STEPS)) {
  const sorted = visits.map((times) => times[step]).toSorted((a, b) => a - b);
  const figures = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]].map(Math.round);
  process.stdout.write(`| ${what} | ${figures.join(" | ")} |\n`);
}

/** @param {string} url @param {string[]} until @returns {Promise<Record<string, number>>} by step, milliseconds */
async function visitOf(url, until) {
  const { page, close } = await openPage(browser);
  await page.addInitScript(watch, { until, done: DONE });
  // The page says when it is done. To ask it would put a script of the browser's driver into it, which costs 20 ms of
  // the page's own thread, and that just while the first figures are drawn.
  const told = page.waitForEvent("console", { predicate: (message) => message.text().startsWith(DONE) });
  await page.goto(url, { waitUntil: "commit" });
  const times = JSON.parse((await told).text().slice(DONE.length));
  await close();
  return times;
}

/** Runs in the page, before anything of its own. @param {{ until: string[], done: string }} what */
function watch({ until, done }) {
  /** @type {Record<string, number>} */
  const seen = {};
  const now = (/** @type {string} */ step) => (seen[step] ??= performance.now());
  const text = (/** @type {string} */ selector) => document.querySelector(selector)?.textContent ?? "";
  /** @type {any} */ (window).WebSocket = class extends WebSocket {
    /** @param {string} url */
    constructor(url) {
      super(url);
      this.addEventListener("open", () => now("opened"));
      this.addEventListener("message", ({ data }) => now(/"type":"(\w+)"/.exec(data)?.[1] ?? ""));
    }
  };
  const look = () => {
    if (text("#word") !== "") now("empty");
    if (/\d/.test(text(".figure .card-value"))) now("figures");
    if (document.querySelector(".panel-wide .chart[aria-label*=lowest]") !== null) now("chart");
    if (!until.every((step) => step in seen)) return void requestAnimationFrame(look);
    if (!until.includes("empty")) filesOf();
    console.info(done + JSON.stringify(seen));
  };
  const filesOf = () => {
    const [page] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    const files = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType("resource"));
    seen.document = page.responseStart;
    seen.files = Math.max(...files.filter(({ name }) => /\.(js|css)$/.test(name)).map((file) => file.responseEnd));
  };
  requestAnimationFrame(look);
}
