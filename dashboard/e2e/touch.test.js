// A phone: a finger sets the cursor, drags to zoom, two of them stretch the time, and the page still scrolls.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";
import { hostOf, pushPast } from "./synthetic.js";

const HOST = hostOf(0).hostname;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  await pushPast((body) => sysmond.push(body), { hosts: 1, seconds: 7200, step: 10 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

async function open() {
  const phone = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
  const opened = await openPage(browser, phone);
  const { page } = opened;
  await page.goto(`${sysmond.url}?host=${HOST}&from=now-1h`);
  const chart = page.locator(".panel-wide .chart");
  await chart.scrollIntoViewIfNeeded();
  await page.locator(".time-resolution", { hasText: "a point each 10 s" }).waitFor();
  const session = await page.context().newCDPSession(page);
  const box = await chart.boundingBox();
  assert.ok(box);
  const place = (/** @type {number} */ share, y = 0.5) => ({
    x: Math.round(box.x + box.width * share),
    y: Math.round(box.y + box.height * y),
  });
  /** @param {"touchStart" | "touchMove" | "touchEnd"} type @param {{ x: number, y: number }[]} points */
  const touch = (type, points) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map((point, id) => ({ ...point, id })) });
  const param = (/** @type {string} */ name) => new URL(page.url()).searchParams.get(name);
  const span = () => Number(param("to")) - Number(param("from"));
  return { ...opened, chart, place, touch, param, span };
}

/** @param {import("playwright-core").Page} page */
const legend = (page) => page.locator(".panel-wide .legend").innerText();

test("a tap sets the cursor, which stays until one taps elsewhere", async () => {
  const { page, seen, place, touch, param, close } = await open();
  const before = await legend(page);
  await touch("touchStart", [place(0.3)]);
  await touch("touchEnd", []);
  await eventually("the values of then", async () => (await legend(page)) !== before);
  const head = await page.locator(".host-name").boundingBox();
  await page.evaluate(() => document.querySelector(".host-name")?.scrollIntoView());
  assert.ok(head);
  await page.locator(".host-name").tap();
  await eventually("the values of now", async () => (await legend(page)) === before);
  assert.equal(param("from"), "now-1h");
  assert.equal(await page.locator(".overview").isVisible(), false, "a fleet of this one host has nothing to add");
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a finger that drags sideways zooms, and a double tap leads back", async () => {
  const { place, touch, param, span, chart, close } = await open();
  await touch("touchStart", [place(0.4)]);
  for (const share of [0.45, 0.5, 0.55, 0.6]) await touch("touchMove", [place(share)]);
  await touch("touchEnd", []);
  await eventually("the span stands in the address", () => span() > 60);
  assert.ok(span() > 400 && span() < 1000, String(span()));
  await chart.dblclick({ position: { x: 200, y: 60 } });
  await eventually("the hour is back", () => param("from") === "now-1h");
  await close();
});

test("two fingers stretch the time between them", async () => {
  const { page, place, touch, param, span, close } = await open();
  await touch("touchStart", [place(0.45)]);
  await touch("touchStart", [place(0.45), place(0.65)]);
  for (const out of [0.05, 0.1, 0.15, 0.2]) await touch("touchMove", [place(0.45 - out), place(0.65 + out)]);
  await touch("touchEnd", []);
  await eventually("a third of the hour", () => span() > 900 && span() < 1500);
  await page.getByRole("button", { name: /^Back to the range/ }).tap();
  await eventually("the hour is back", () => param("from") === "now-1h");
  await close();
});

test("a finger that goes up scrolls the page and marks nothing", async () => {
  const { page, place, touch, param, close } = await open();
  const top = await page.evaluate(() => scrollY);
  await touch("touchStart", [place(0.5, 0.8)]);
  for (const y of [0.6, 0.3, 0, -0.4, -0.8]) await touch("touchMove", [place(0.5, y)]);
  await touch("touchEnd", []);
  await eventually("the page has moved", async () => (await page.evaluate(() => scrollY)) > top + 50);
  assert.equal(param("from"), "now-1h");
  await close();
});

test("the time bar takes two rows of a narrow phone, and each of its controls is as large as a thumb", async () => {
  const phone = { viewport: { width: 360, height: 760 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
  const { page, seen, close } = await openPage(browser, phone);
  for (const query of ["", "&from=now-30d", "&from=1795391000&to=1795392000"]) {
    await page.goto(`${sysmond.url}?host=${HOST}${query}`);
    const controls = page.locator(".timebar :is(button, summary):visible");
    await eventually("the time bar is there", async () => (await controls.count()) > 10);
    const boxes = await controls.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
    for (const { width, height } of boxes) assert.ok(width >= 40 && height >= 40, `${width} × ${height}`);
    const bar = await page.locator(".timebar").boundingBox();
    assert.ok(bar !== null && bar.height < 3 * 40, `its height is ${bar?.height}`);
  }
  await page.goto(`${sysmond.url}?host=${HOST}&from=now-30d`);
  const inStrip = (/** @type {string} */ name) =>
    page.getByRole("button", { name, exact: true }).evaluate((button) => {
      const [inner, outer] = [button.getBoundingClientRect(), button.parentElement?.getBoundingClientRect()];
      return outer !== undefined && inner.left >= outer.left && inner.right <= outer.right;
    });
  await eventually("the preset in force is in view", () => inStrip("30d"));
  await page.getByRole("button", { name: "5m", exact: true }).focus();
  await eventually("a keyboard brings the others", () => inStrip("5m"));
  await page.getByRole("button", { name: "15m", exact: true }).tap();
  await page.getByRole("button", { name: "15m", exact: true, pressed: true }).waitFor();
  assert.deepEqual(seen.errors, []);
  await close();
});
