// Whether the page keeps what it should have forgotten: the real page on a real sysmond, with all of this host's own
// series, in which time goes faster. Live frames of a second each come as quickly as the browser takes them.
//
//     SYSMOND_BIN=../target/release/sysmond node bench/memory.js [MINUTES]
//
// After each sixth of MINUTES (default 60) all garbage is collected, and what is left is told: the heap of JavaScript,
// with its typed arrays, and nodes and listeners of the document.

import { hasValues, launch, openPage } from "../e2e/browser.js";
import { Sysmond } from "../e2e/sysmond.js";

const MINUTES = Number(process.argv[2] ?? 60);
const PARTS = 6;
/** Frames sent before the page is asked whether it has drawn them. */
const AT_ONCE = 10;

const sysmond = await Sysmond.start();
const browser = await launch();
try {
  await measure();
} finally {
  await browser.close();
  await sysmond.end();
}

async function measure() {
  const { page } = await openPage(browser);
  /** @type {import("playwright-core").WebSocketRoute | undefined} */
  let socket;
  /** @type {any} */
  let sample;
  await page.routeWebSocket("**/api/live?**", (route) => {
    socket = route;
    const server = route.connectToServer();
    server.onMessage((message) => {
      const frame = JSON.parse(String(message));
      if (frame.type === "sample" && Object.keys(frame.metrics).length > 50) sample ??= frame;
      if (sample === undefined) route.send(message); // from then on only made-up seconds come
    });
  });
  await page.goto(sysmond.url);
  await hasValues(page);
  while (sample === undefined) await page.waitForTimeout(100);
  const session = await page.context().newCDPSession(page);
  const count = Object.keys(sample.metrics).length;
  print(`| minutes of ${count} series | heap MB | typed arrays and other buffers MB | nodes | listeners |`);
  print("| ---: | ---: | ---: | ---: | ---: |");
  let second = 0;
  for (let part = 0; part <= PARTS; part += 1) {
    const until = (part * MINUTES * 60) / PARTS;
    while (second < until) {
      for (let frame = 0; frame < AT_ONCE; frame += 1) socket?.send(later(sample, (second += 1)));
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    }
    await tell(session, second / 60);
  }
}

/** @param {any} sample @param {number} second */
function later(sample, second) {
  const metrics = Object.fromEntries(
    Object.entries(sample.metrics).map(([key, value], index) => [
      key,
      value * (1 + 0.2 * Math.sin(second / 9 + index)),
    ]),
  );
  return JSON.stringify({ ...sample, timestamp: sample.timestamp + second, metrics });
}

/** @param {import("playwright-core").CDPSession} session @param {number} minutes */
async function tell(session, minutes) {
  for (let time = 0; time < 3; time += 1) await session.send("HeapProfiler.collectGarbage");
  const heap = /** @type {any} */ (await session.send("Runtime.getHeapUsage"));
  const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
  const mb = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(2);
  const figures = [Math.round(minutes), mb(heap.usedSize), mb(heap.backingStorageSize), nodes, jsEventListeners];
  print(`| ${figures.join(" | ")} |`);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
