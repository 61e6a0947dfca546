// The time that is looked at: chosen, zoomed, left again, and the same for the colleague who gets the link.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";
import { hostOf, pushPast } from "./synthetic.js";

const HOST = hostOf(0).hostname;
const STEP = 10;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;
let now = 0;

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  now = await pushPast((body) => sysmond.push(body), { hosts: 1, seconds: 7200, step: STEP });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

/** @param {string} query @param {import("playwright-core").BrowserContextOptions} [options] */
async function open(query, options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${sysmond.url}?host=${HOST}${query}`);
  await opened.page.locator(".host-name").waitFor();
  const chart = opened.page.locator(".chart").first();
  const label = async () => (await chart.getAttribute("aria-label")) ?? "";
  await eventually("the first chart has data", async () => /CPU (now|at the end) \d/.test(await label()));
  const param = (/** @type {string} */ name) => new URL(opened.page.url()).searchParams.get(name);
  return { ...opened, chart, label, param };
}

/** Until then the chart shows what was known before. @param {import("playwright-core").Page} page */
const loaded = (page) => page.locator(".time-resolution", { hasText: "a point each 10 s" }).waitFor();

test("a preset shows more, says how fine, and stands in the address", async () => {
  const { page, seen, label, param, close } = await open("");
  await page.getByRole("button", { name: "1h", exact: true }).click();
  await eventually("the chart tells an hour", async () => (await label()).includes("last hour"));
  assert.equal(param("from"), "now-1h");
  await eventually("the resolution is told", async () =>
    /a point each 10 s/.test((await page.locator(".time-resolution").textContent()) ?? ""),
  );
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a drag zooms, and a double click leads back", async () => {
  const { page, chart, param, close } = await open("&from=now-1h");
  await loaded(page);
  const box = await chart.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.4, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 90);
  await page.mouse.move(box.x + box.width * 0.6, box.y + 90);
  await page.mouse.up();
  await eventually("the span stands in the address", () => Number(param("to")) - Number(param("from")) > 60);
  const width = Number(param("to")) - Number(param("from"));
  assert.ok(width > 500 && width < 1000, `${width}`);
  await chart.dblclick({ position: { x: 300, y: 60 } });
  await eventually("the hour is back", () => param("from") === "now-1h");
  await close();
});

test("the same picture for whoever gets the link", async () => {
  const query = `&from=${now - 3600}&to=${now - 3000}`;
  const first = await open(query);
  const second = await open(query);
  assert.equal(await first.label(), await second.label());
  assert.doesNotMatch(await first.label(), /now/);
  assert.match(await first.page.locator(".time-words").innerText(), /–/);
  await first.close();
  await second.close();
});

test("pause keeps the picture, and live goes on", async () => {
  const { page, param, close } = await open("");
  await page.getByRole("button", { name: "Pause" }).click();
  await eventually("the address has the span", () => Number(param("to")) - Number(param("from")) === 300);
  await page.getByRole("button", { name: "Live" }).click();
  await eventually("live again", () => param("from") === null);
  await close();
});

test("no step leads past now, and a double click without a zoom leaves the preset", async () => {
  const { page, chart, param, close } = await open("");
  assert.equal(await page.getByRole("button", { name: "Later" }).isDisabled(), true);
  await page.keyboard.press("]");
  await page.getByRole("button", { name: "Zoom out" }).click();
  await eventually("it follows, twice as long", () => param("from") === "now-10m" && param("to") === "now");
  await chart.dblclick({ position: { x: 300, y: 60 } });
  await chart.focus();
  await page.keyboard.press("Backspace");
  assert.equal(param("from"), "now-10m");
  await page.getByRole("button", { name: "Earlier" }).click();
  await eventually("five minutes earlier", () => Number(param("to")) - Number(param("from")) === 600);
  for (const name of ["Later", "Later"])
    if (await page.getByRole("button", { name }).isEnabled()) await page.getByRole("button", { name }).click();
  assert.ok(Number(param("to")) <= Date.now() / 1000 + 1, "not in the future");
  await close();
});

test("what is typed is read as the page writes times: in UTC where that is chosen", async () => {
  const { page, param, close } = await open("", { timezoneId: "Asia/Tokyo" });
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("radio", { name: "UTC" }).check();
  await page.keyboard.press("Escape");
  await page.locator(".time-summary").click();
  await page.getByRole("textbox", { name: "From" }).fill("2026-01-31 09:00");
  await page.getByRole("textbox", { name: "To" }).fill("2026-01-31 10:00");
  await page.keyboard.press("Enter");
  await eventually("nine in UTC", () => Number(param("from")) === Date.UTC(2026, 0, 31, 9) / 1000);
  await page.locator(".time-summary").click();
  const from = page.getByRole("textbox", { name: "From" });
  await eventually(
    "it is written as the page writes times",
    async () => (await from.inputValue()) === "2026-01-31 09:00:00",
  );
  await close();
});

test("the ends can be written, and what is no time is told", async () => {
  const { page, param, close } = await open("");
  await page.locator(".time-summary").click();
  await page.getByRole("textbox", { name: "From" }).fill("soon");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByText("That is no stretch of time").waitFor();
  await page.getByRole("textbox", { name: "From" }).fill("now-90m");
  await page.keyboard.press("Enter");
  await eventually("it stands in the address", () => param("from") === "now-90m");
  await close();
});

test("by keyboard: a span is marked, zoomed into, and left", async () => {
  const { page, chart, param, close } = await open("&from=now-1h");
  await loaded(page);
  await chart.focus();
  for (const key of ["PageUp", "PageUp", " ", "PageUp", "PageUp", "Enter"]) await page.keyboard.press(key);
  await eventually("the span is 60 samples", () => Math.abs(Number(param("to")) - Number(param("from")) - 600) <= 20);
  await page.keyboard.press("Backspace");
  await eventually("back", () => param("from") === "now-1h");
  await close();
});

test("history that cannot be had is told, and asked for again", async () => {
  const { page, close } = await open("");
  await page.route("**/api/history*", (route) => route.abort());
  await page.getByRole("button", { name: "6h", exact: true }).click();
  await page.getByRole("button", { name: "Try again" }).waitFor();
  await page.unroute("**/api/history*");
  await page.getByRole("button", { name: "Try again" }).click();
  await eventually("it is there", async () => (await page.locator(".time-error").isHidden()) === true);
  await close();
});
