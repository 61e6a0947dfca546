// What happens to the page when the way to the server is not what it should be.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { card, hasValues, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { startProxy } from "./proxy.js";
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

/** @param {import("playwright-core").Page} page @param {string} word */
const linkSays = (page, word) =>
  eventually(`the link says ${word}`, async () => (await page.locator(".link-word").textContent()) === word, 30_000);

/** @param {import("playwright-core").Page} page */
async function valuesChange(page) {
  const values = new Set();
  await eventually(
    "values change",
    async () => values.add(await page.locator(".figure .card-value").allTextContents().then(String)).size >= 3,
    40_000,
  );
}

test("below a path all is as at the root", async () => {
  const proxy = await startProxy(() => sysmond.address, { prefix: "/sysmon" });
  const { page, seen, close } = await openPage(browser);
  await page.goto(proxy.url);
  await hasValues(page);
  await linkSays(page, "Live");
  await valuesChange(page);
  const outside = seen.addresses.filter((address) => !new URL(address).pathname.startsWith("/sysmon/"));
  assert.deepEqual([seen.errors, outside], [[], []]);
  await close();
  proxy.end();
});

test("without WebSocket the page polls, and says so", async () => {
  const proxy = await startProxy(() => sysmond.address, { upgrades: false });
  const { page, close } = await openPage(browser);
  await page.goto(proxy.url);
  await hasValues(page);
  await linkSays(page, "Polling every 5 s");
  await valuesChange(page);
  assert.equal(await page.locator(".banner:visible").count(), 0);
  await close();
  proxy.end();
});

test("a server that dies is told once, values stand, and all goes on when it is back", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.evaluate(() => Object.assign(window, { samePage: true }));
  await sysmond.kill();
  await page.getByRole("alert").filter({ hasText: "The link to the server is lost" }).waitFor();
  assert.match(await page.title(), /^No link/);
  assert.match((await card(page, "CPU").textContent()) ?? "", /\d/);
  await sysmond.run();
  await linkSays(page, "Live");
  await valuesChange(page);
  assert.equal(await page.getByRole("alert").isVisible(), false);
  assert.equal(await page.evaluate(() => "samePage" in window), true);
  await close();
});
