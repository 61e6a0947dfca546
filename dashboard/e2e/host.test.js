// One host, live, as a newcomer sees it.

import assert from "node:assert/strict";
import { hostname } from "node:os";
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

/** How many pixels of a canvas are drawn. @param {import("playwright-core").Locator} canvas */
const inkOf = (canvas) =>
  canvas.evaluate((element) => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (element);
    const pixels =
      /** @type {HTMLCanvasElement} */ (element).getContext("2d")?.getImageData(0, 0, width, height).data ??
      new Uint8ClampedArray();
    return pixels.filter((value, index) => index % 4 === 3 && value > 0).length;
  });

test("values of this host appear and change, without an error and without asking anybody else", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  assert.equal(await page.locator(".host-name").textContent(), hostname());
  const values = new Set();
  await eventually(
    "the figures change",
    async () => values.add(String(await page.locator(".figure .card-value").allTextContents())).size >= 3,
  );
  assert.equal(await page.locator(".link-word").textContent(), "Live");
  const foreign = seen.addresses.filter((address) => new URL(address).host !== sysmond.address);
  assert.deepEqual([seen.errors, foreign], [[], []]);
  await close();
});

test("the first figures are seen before anything below them is made", async () => {
  const { page, close } = await openPage(browser);
  await page.addInitScript(() => {
    const look = () => {
      const has = (/** @type {string} */ selector) => document.querySelector(selector) !== null;
      if (!/\d/.test(document.querySelector(".figure .card-value")?.textContent ?? ""))
        return void requestAnimationFrame(look); // called before what the page draws in that frame
      /** @type {any} */ (window).made = [".panel-wide", ".groups-all", ".all-values"].filter(has);
    };
    requestAnimationFrame(look);
  });
  await page.goto(sysmond.url);
  await page.locator(".panel-wide .chart").waitFor();
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).made), []);
  await close();
});

test("what does not change is told: system, kernel, processor, memory, addresses, uptime", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await eventually("the facts are there", () => page.locator(".fact dt").count());
  const names = await page.locator(".fact dt").allTextContents();
  for (const name of ["OS", "Kernel", "CPU", "Memory", "Uptime", "Agent"])
    assert.ok(names.includes(name), `${name} of ${names}`);
  await close();
});

test("the charts hold the samples that came before the page, and go on", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  const chart = page.locator('.chart[aria-label^="CPU & Memory trends"]');
  await eventually("the chart tells its values", async () =>
    /CPU now [\d.]+%, lowest/.test((await chart.getAttribute("aria-label")) ?? ""),
  );
  await eventually("lines are drawn", async () => (await inkOf(chart.locator("canvas").first())) > 500);
  await close();
});

test("the page is at most 65 KB on its way, of the 100 that it may be", async () => {
  const { page, close } = await openPage(browser);
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  /** @type {Map<string, string>} */
  const urls = new Map();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) => urls.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (!new URL(urls.get(requestId) ?? sysmond.url).pathname.startsWith("/api/")) bytes += encodedDataLength;
  });
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.waitForLoadState("networkidle"); // what it loads by itself when the values are there counts as well
  assert.ok(bytes > 10_000 && bytes <= 65_000, `${bytes} bytes`);
  await close();
});

test("a core that is chosen has a chart of its modes, and the address says which", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  const choice = page.getByLabel("The core whose modes are drawn");
  await choice.selectOption("0");
  await page.getByRole("group", { name: "Core 0 by mode" }).waitFor();
  await eventually("the address tells it", () => page.evaluate(() => location.search.includes("core=0")));
  await page.reload();
  await page.getByRole("group", { name: "Core 0 by mode" }).waitFor();
  await choice.selectOption("");
  await page.getByRole("group", { name: "Core 0 by mode" }).waitFor({ state: "detached" });
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a chart is a table where one wants it, and a file", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  const panel = page.locator(".panel", { has: page.locator('.chart[aria-label^="CPU & Memory"]') });
  await panel.locator(".panel-menu summary").click();
  await panel.getByRole("button", { name: "View as table" }).click();
  const table = page.getByRole("table", { name: "CPU & Memory trends as a table" });
  await table.waitFor();
  assert.match((await table.locator("tbody tr").first().innerText()) ?? "", /\d\d:\d\d:\d\d\s+[\d.]+%\s+[\d.]+%/);
  const head = page.locator(".panel-wide .panel-menu");
  await head.locator("summary").click();
  const downloaded = page.waitForEvent("download");
  await head.getByRole("button", { name: "Download CSV" }).click();
  const file = await (await downloaded).createReadStream();
  let text = "";
  for await (const part of file) text += part;
  assert.match(text, /^time,CPU,Memory\r\n\d{4}-\d\d-\d\dT[\d:.]+Z,[\d.]+,[\d.]+\r\n/);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("what moved in the shown time is looked for, and told", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.getByRole("button", { name: "What moved?" }).click();
  await page.getByText(/Measured against the .* before, over \d+ series/).waitFor();
  assert.match(page.url(), /explain=\d+%7E\d+/);
  await page.getByRole("button", { name: "Close" }).click();
  await eventually("it is gone", async () => (await page.locator(".explain").count()) === 0);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("settings change how figures are written, and are kept", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  const used = page.locator('.card[aria-label="Memory used"] .card-value');
  assert.match((await used.textContent()) ?? "", /iB$/);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("radio", { name: /kB, MB, GB/ }).check();
  await eventually("the card is in SI", async () => / [kMGT]B$/.test((await used.textContent()) ?? ""));
  await page.keyboard.press("Escape");
  await page.reload();
  await hasValues(page);
  assert.match((await used.textContent()) ?? "", / [kMGT]B$/);
  await close();
});

test("keys lead through the page, and are listed", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.getByRole("row", { name: new RegExp(hostname()) }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("status:offline");
  await page.getByText("No host is like that.").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.locator(".host-name").waitFor();
  await close();
});

test("the keyboard moves the cursor, and the values are spoken", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.locator(".chart").first().focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  const spoken = page.locator(".chart-holder [aria-live]").first();
  await eventually("the values are spoken", async () =>
    /^\d\d:\d\d:\d\d: CPU [\d.]+%, Memory [\d.]+%$/.test((await spoken.textContent()) ?? ""),
  );
  const cursor = page.locator(".chart canvas:last-child").first();
  assert.ok((await inkOf(cursor)) > 0, "the cursor is drawn");
  await page.keyboard.press("Escape");
  assert.equal(await inkOf(cursor), 0);
  await close();
});

test("the theme follows the system, and a choice is remembered", async () => {
  const { page, close } = await openPage(browser, { colorScheme: "dark" });
  await page.goto(sysmond.url);
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: "Theme: auto" }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await eventually("the button is there", () => page.getByRole("button", { name: "Theme: light" }).count());
  assert.equal(await ground(), light);
  await close();
});
