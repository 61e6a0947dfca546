// Hosts whose clock is wrong, and such as fell silent: both are shown by their own time.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { card, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";
import { figuresOf, hostOf } from "./synthetic.js";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;
/** @type {ReturnType<typeof setInterval>[]} */
const pushing = [];

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  browser = await launch();
});
after(async () => {
  pushing.forEach(clearInterval);
  await browser?.close();
  await sysmond?.end();
});

/** @param {string} hostname @param {readonly number[]} times */
async function push(hostname, times) {
  const metrics = times.flatMap((timestamp) =>
    Object.entries(figuresOf(0, timestamp)).map(([metric_type, value]) => ({
      timestamp,
      metric_type,
      value,
      tags: "",
    })),
  );
  const answer = await sysmond.push({ ...hostOf(0), hostname, metrics });
  assert.equal(answer.status, 200, await answer.text());
}

const nowSeconds = () => Math.floor(Date.now() / 1000);
/** Each ten seconds of ten minutes. @param {number} to */
const tenMinutes = (to) => Array.from({ length: 61 }, (_, index) => to - 600 + 10 * index);

/** A host that pushes on, by its own clock. @param {string} hostname @param {number} ahead seconds */
async function pushWith(hostname, ahead) {
  await push(hostname, tenMinutes(nowSeconds() + ahead));
  pushing.push(setInterval(() => void push(hostname, [nowSeconds() + ahead]), 1000));
}

/** @param {string} hostname */
async function open(hostname) {
  const opened = await openPage(browser);
  await opened.page.goto(`${sysmond.url}?host=${hostname}`);
  const chart = opened.page.locator(".chart").first();
  const label = async () => (await chart.getAttribute("aria-label")) ?? "";
  await eventually("the figures are there", async () =>
    /\d/.test((await card(opened.page, "CPU").textContent()) ?? ""),
  );
  return { ...opened, label };
}

/** How many rows the first chart has as a table. @param {import("playwright-core").Page} page */
async function rowsOf(page) {
  const panel = page.locator(".panel-wide").first();
  await panel.locator(".panel-menu summary").click();
  await panel.getByRole("button", { name: "View as table" }).click();
  await panel.locator("tbody tr").first().waitFor();
  return panel.locator("tbody tr").count();
}

for (const [hostname, ahead, words] of /** @type {const} */ ([
  ["slow-clock", -600, "its clock is 10 min behind"],
  ["fast-clock", 540, "its clock is 9 min ahead"],
]))
  test(`a host whose clock is wrong opens full, and is told of: ${words}`, async () => {
    await pushWith(hostname, ahead);
    const { page, seen, close } = await open(hostname);
    assert.equal(await page.locator(".host-head .status-word").textContent(), "online");
    await page.getByText(words).waitFor();
    assert.ok((await rowsOf(page)) >= 30, "five minutes, each ten seconds");
    await page.getByRole("button", { name: "15m", exact: true }).click();
    await eventually("ten minutes are there", async () => (await page.locator(".panel-wide tbody tr").count()) >= 60);
    assert.deepEqual(seen.errors, []);
    await close();
  });

test("beside others a host whose clock is wrong stands where its samples came, and is told of", async () => {
  await pushWith("right-clock", 0);
  const names = ["right-clock", "slow-clock", "fast-clock"]; // the two others push since the tests before
  const { page, seen, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=compare${names.map((name) => `&compare=${name}`).join("")}`);
  for (const [name, words] of [
    ["slow-clock", "its clock is 10 min behind: shown by the server’s"],
    ["fast-clock", "its clock is 9 min ahead: shown by the server’s"],
  ])
    await page.locator(`.compare-card[aria-label="${name}"]`).getByText(words).waitFor();
  assert.equal(await page.locator('.compare-card[aria-label="right-clock"] .compare-clock').isVisible(), false);
  const panel = page.locator(".panels-compare .panel").first();
  await panel.locator(".panel-menu summary").click();
  await panel.getByRole("button", { name: "View as table" }).click();
  /** How many values each host has in the window. */
  const counts = () =>
    panel.locator("tbody").evaluate((body) => {
      const rows = [.../** @type {HTMLTableSectionElement} */ (body).rows];
      return [1, 2, 3].map((column) => rows.filter((row) => /\d/.test(row.cells[column].textContent ?? "")).length);
    });
  const each = async (/** @type {number} */ least) => (await counts()).every((count) => count >= least);
  await eventually("five minutes of each", () => each(29));
  await page.getByRole("button", { name: "15m", exact: true }).click();
  await eventually("ten minutes of each", () => each(59));
  await page.getByRole("button", { name: "Pause" }).click();
  await page.reload();
  await panel.locator(".panel-menu summary").click();
  await panel.getByRole("button", { name: "View as table" }).click();
  await eventually("they stay where they were", () => each(59));
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a host that fell silent opens with its last five minutes", async () => {
  await push("silent", tenMinutes(nowSeconds() - 3000));
  const { page, seen, label, close } = await open("silent");
  await eventually("its last values", async () => /CPU at the end \d/.test(await label()));
  assert.match(await label(), /5 minutes to \d\d:\d\d:\d\d/);
  assert.ok((await rowsOf(page)) >= 30);
  assert.deepEqual(seen.errors, []);
  await close();
});
