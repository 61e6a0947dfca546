// The processes of a moment, from a real agent: of now, under the cursor, and behind a span.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasValues, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;

before(async () => {
  sysmond = await Sysmond.start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

/** @param {import("playwright-core").Page} page */
const panelOf = (page) => page.locator('.panel[aria-label="Top processes"]');

async function open() {
  const opened = await openPage(browser);
  const { page } = opened;
  /** @type {URL[]} */
  const asked = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname === "/api/processes") asked.push(url);
  });
  await page.goto(sysmond.url);
  await hasValues(page);
  const panel = panelOf(page);
  const rows = panel.locator("tbody tr");
  await eventually("processes are listed", async () => (await rows.count()) > 2, 60_000);
  return { ...opened, asked, panel, rows };
}

/** The answer for now, straight from the server. */
async function newest() {
  const { hosts } = await (await fetch(`${sysmond.url}api/hosts`)).json();
  const host = encodeURIComponent(hosts[0].hostname);
  return (await (await fetch(`${sysmond.url}api/processes?host=${host}`)).json()).snapshot;
}

test("what takes the most now is listed as the server has it, and sorted by what one asks for", async () => {
  const { seen, panel, rows, close } = await open();
  await eventually("the table is the server's", async () => {
    const { processes } = await newest();
    const [heaviest] = processes.toSorted(
      (/** @type {any} */ a, /** @type {any} */ b) => b.memory_bytes - a.memory_bytes,
    );
    await panel.getByRole("button", { name: "Memory" }).click();
    return (await rows.first().innerText()).startsWith(`${heaviest.pid}\t${heaviest.name}`);
  });
  assert.equal(await panel.locator('th[aria-sort="descending"]').innerText(), "Memory");
  await eventually("shares are there", async () => /\d%/.test(await rows.first().innerText()), 40_000);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("the list is of the moment under the cursor, and asks the server when the cursor rests", async () => {
  const { page, asked, panel, close } = await open();
  const when = () => panel.locator(".panel-span").innerText();
  const first = await newest();
  await eventually(
    "a snapshot later than the first",
    async () => (await newest()).timestamp > first.timestamp + 5,
    40_000,
  );
  await eventually("the table has it", async () => !(await when()).includes(clockOf(first.timestamp)), 40_000);
  const now = await when();
  const box = await page.locator(".panel-wide .chart").first().boundingBox();
  assert.ok(box);
  const right = box.x + box.width - 6;
  const perSecond = (box.width - 58 - 6) / 300;
  const before = asked.length;
  const back = Date.now() / 1000 - (first.timestamp + 4); // a moment of the first snapshot
  for (let step = 0; step < 40; step += 1) await page.mouse.move(right - (back * perSecond * step) / 39, box.y + 60);
  await eventually("another moment is told", async () => (await when()) !== now);
  assert.ok(asked.length - before <= 6, `${asked.length - before} questions for 40 moves`);
  const settled = asked.length;
  await page.mouse.move(right - back * perSecond - 1, box.y + 61);
  await page.mouse.move(right - back * perSecond, box.y + 60);
  await page.mouse.move(10, 10);
  await eventually("now again", async () => (await when()) === now || asked.length > settled);
  await close();
});

test("behind a span stand the programs", async () => {
  const { page, seen, close } = await open();
  await page.getByRole("button", { name: "What moved?" }).click();
  await page.getByText(/Those that took more than before|None took notably more than before/).waitFor();
  assert.deepEqual(seen.errors, []);
  await close();
});

/** As the page writes it in this machine's zone. @param {number} seconds */
function clockOf(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}
