// Our charts beside uPlot, in the same browser on the same machine:
//
//     npm run bench
//
// A redraw is measured until its pixels are there. What live charts cost is the CPU time of all of the browser's
// processes, less that of an empty page.

import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import http from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { FLAGS, PATH } from "../e2e/browser.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const ROUNDS = 40;
const LIVE_CHARTS = 20;
const LIVE_SECONDS = Number(process.env.SECONDS ?? 20);
const TICKS_PER_SECOND = 100;

const server = http.createServer((request, response) => {
  const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
  const kind = KINDS[/** @type {keyof typeof KINDS} */ (extname(path))] ?? "application/octet-stream";
  const file = createReadStream(join(ROOT, path));
  file.on("open", () => response.writeHead(200, { "content-type": kind }));
  file.on("error", () => response.writeHead(404).end());
  file.pipe(response);
});
server.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
const url = `http://127.0.0.1:${port}/bench/index.html`;

const launched = await chromium.launchServer({ executablePath: PATH, headless: true, args: FLAGS });
const browser = await chromium.connect(launched.wsEndpoint());
try {
  await redraws();
  await live();
} finally {
  await browser.close();
  await launched.close();
  server.close();
}

/** @param {number} deviceScaleFactor */
async function open(deviceScaleFactor = 1) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, deviceScaleFactor });
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(url);
  await page.waitForFunction(() => "bench" in window);
  return { page, close: () => context.close() };
}

async function redraws() {
  const cases = [
    { what: "a day, 43 200 points", points: 43_200, step: 2, series: 1, ratio: 1 },
    { what: "a day, 43 200 points, ratio 2", points: 43_200, step: 2, series: 1, ratio: 2 },
    { what: "a day, 3 series of 43 200", points: 43_200, step: 2, series: 3, ratio: 1 },
    { what: "3 series of 55 550", points: 55_550, step: 2, series: 3, ratio: 1 },
    { what: "five minutes, 2 series of 300", points: 300, step: 1, series: 2, ratio: 1 },
  ];
  print("| redraw | ours ms, least / median | uPlot ms, least / median | uPlot : ours |\n| --- | --- | --- | --- |");
  for (const { what, points, step, series, ratio } of cases) {
    const { page, close } = await open(ratio);
    const results = { ours: [NaN], theirs: [NaN] };
    for (const name of /** @type {const} */ (["ours", "theirs", "ours", "theirs"]))
      results[name].push(
        ...(await page.evaluate(
          ([subject, ...rest]) => /** @type {any} */ (window).bench.redraw(subject, ...rest),
          [name, points, step, series, ROUNDS / 2],
        )),
      );
    const [a, b] = [spread(results.ours), spread(results.theirs)];
    print(`| ${what} | ${text(a)} | ${text(b)} | ${(b.least / a.least).toFixed(1)} |`);
    await close();
  }
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {number[]} times */
function spread(times) {
  const sorted = times.filter(Number.isFinite).toSorted((a, b) => a - b);
  return { least: sorted[0], median: sorted[sorted.length >> 1] };
}

/** @param {{ least: number, median: number }} spread */
function text({ least, median }) {
  return `${least.toFixed(1)} / ${median.toFixed(1)}`;
}

async function live() {
  print(`\n| ${LIVE_CHARTS} charts live, a sample a second | CPU, % of a core |\n| --- | --- |`);
  const empty = await share(null);
  for (const [name, label] of [
    ["ours", "ours"],
    ["theirs", "uPlot"],
  ])
    print(`| ${label} | ${(100 * ((await share(name)) - empty)).toFixed(1)} |`);
  print(`| (an empty page, taken off above) | ${(100 * empty).toFixed(1)} |`);
}

/** @param {string | null} name @returns {Promise<number>} of one core */
async function share(name) {
  const { page, close } = await open();
  if (name !== null)
    await page.evaluate(
      ([subject, count]) => /** @type {any} */ (window).bench.live(subject, count),
      [name, LIVE_CHARTS],
    );
  await page.waitForTimeout(3000);
  const [before, begin] = [await cpuTicks(), performance.now()];
  await page.waitForTimeout(LIVE_SECONDS * 1000);
  const used = (await cpuTicks()) - before;
  const seconds = (performance.now() - begin) / 1000;
  await close();
  return used / TICKS_PER_SECOND / seconds;
}

/** CPU time of the browser and all that it started. */
async function cpuTicks() {
  const root = launched.process().pid ?? 0;
  /** @type {Map<number, { parent: number, ticks: number }>} */
  const all = new Map();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    all.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
  }
  const below = (/** @type {number} */ pid) => {
    let at = pid;
    while (at > 1 && at !== root) at = all.get(at)?.parent ?? 0;
    return at === root;
  };
  let sum = 0;
  for (const [pid, { ticks }] of all) if (below(pid) && Number.isFinite(ticks)) sum += ticks;
  return sum;
}
