// Hosts beside each other: which are, which are not and why, and of what.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";
import { hostOf, pushPast } from "./synthetic.js";

const HOSTS = Array.from({ length: 10 }, (_, index) => hostOf(index).hostname);
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  await pushPast((body) => sysmond.push(body), { hosts: HOSTS.length, seconds: 600, step: 10 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

/** @param {readonly string[]} hosts @param {string} [more] */
async function open(hosts, more = "") {
  const opened = await openPage(browser);
  await opened.page.goto(`${sysmond.url}?view=compare${hosts.map((host) => `&compare=${host}`).join("")}${more}`);
  await opened.page.locator(".compare-card").first().waitFor();
  const param = (/** @type {string} */ name) => new URL(opened.page.url()).searchParams.get(name);
  return { ...opened, param, titles: () => opened.page.locator(".panels-compare .panel-title").allTextContents() };
}

test("a host that nobody knows and those beyond eight are told, not dropped", async () => {
  const { page, seen, close } = await open(["nobody-1", ...HOSTS]);
  const left = page.getByRole("group", { name: "Not compared" });
  await left.waitFor();
  assert.deepEqual(await left.locator(".chip").allTextContents(), [
    "nobody-1: unknown",
    `${HOSTS[8]}: 8 at most`,
    `${HOSTS[9]}: 8 at most`,
  ]);
  assert.equal(await page.locator(".compare-card").count(), 8);
  await left.locator(".chip").first().click();
  await eventually("they are out of the address", () => !page.url().includes("nobody-1"));
  assert.equal(await left.isVisible(), false);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("another metric is chosen instead of the six, and stands in the address", async () => {
  const { page, seen, param, titles, close } = await open(HOSTS.slice(0, 2));
  await eventually("the charts of CPU, memory, load are there", async () => (await titles()).length === 4);
  await page.getByLabel("Metric").selectOption("cpu.iowait");
  await eventually("one chart of it", async () => String(await titles()) === "CPU · CPU by mode: iowait");
  await eventually("the address tells it", () => param("metric") === "cpu.iowait");
  await page.getByRole("button", { name: "1h", exact: true }).click();
  const chart = page.locator(".panels-compare .chart").first();
  await eventually("its history", async () => /now \d/.test((await chart.getAttribute("aria-label")) ?? ""));
  await page.reload();
  await eventually("the same again", async () => String(await titles()) === "CPU · CPU by mode: iowait");
  assert.equal(await page.getByLabel("Metric").inputValue(), "cpu.iowait");
  await page.getByLabel("Metric").selectOption("");
  await eventually("the usual charts", async () => (await titles()).length === 4);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("what moved is of one host: beside others the gesture does nothing", async () => {
  const { page, param, titles, close } = await open(HOSTS.slice(0, 2));
  await eventually("the charts are there", async () => (await titles()).length === 4);
  const box = await page.locator(".panels-compare .chart").first().boundingBox();
  assert.ok(box);
  await page.keyboard.down("Shift");
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 60, { steps: 3 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  assert.deepEqual([param("explain"), param("from")], [null, null]);
  await close();
});
