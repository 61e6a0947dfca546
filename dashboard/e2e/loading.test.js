// Parts of the page whose code is fetched when they are opened, and cannot be had the first time.

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

/** A page on which a script cannot be had, once. @param {string} query @param {string} script */
async function openWithout(query, script) {
  const opened = await openPage(browser);
  let refused = 0;
  await opened.page.route(`**/${script}*`, (route) => ((refused += 1) === 1 ? route.abort() : route.continue()));
  await opened.page.goto(sysmond.url + query);
  return { ...opened, refused: () => refused };
}

const NOTE = "This part could not be loaded";

test("a view that could not be loaded says so, and is there when it is tried again", async () => {
  for (const [query, script, name] of [
    ["?view=fleet", "views/fleet.js", "article.fleet"],
    ["?view=compare", "views/compare.js", "article.compare"],
    ["?host=nobody", "views/notice.js", "article[aria-label='Unknown host']"],
  ]) {
    const { page, close } = await openWithout(query, script);
    await page.getByText(NOTE).waitFor();
    assert.equal(await page.locator(".skeleton").count(), 0);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(name).waitFor();
    assert.equal(await page.getByText(NOTE).count(), 0);
    await close();
  }
});

test("a part of the host's page that could not be loaded is tried again in its place", async () => {
  /** @type {[string, (page: import("playwright-core").Page) => Promise<void>, string][]} */
  const parts = [
    ["processes/panel.js", async () => {}, ".process-place .panel"],
    ["views/explain.js", (page) => page.getByRole("button", { name: "What moved?" }).click(), ".explain"],
    ["components/all_values.js", (page) => page.locator(".all-values summary").click(), ".all-values table"],
    ["components/time_form.js", (page) => page.locator(".time-summary").click(), ".time-form"],
    ["components/dialogs.js", (page) => page.keyboard.press("?"), "dialog[aria-label='Keys and gestures']"],
  ];
  for (const [script, open, expected] of parts) {
    const { page, refused, close } = await openWithout("", script);
    await hasValues(page);
    await open(page);
    await page.getByText(NOTE).waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(expected).first().waitFor();
    assert.ok(refused() >= 2, script);
    await close();
  }
});

test("when the server answers again it is tried without being asked", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await hasValues(page);
  await sysmond.kill();
  await page.keyboard.press("3");
  await page.getByText(NOTE).waitFor();
  await sysmond.run();
  await page.locator("article.fleet").waitFor({ timeout: 30_000 });
  await eventually("the link is live", async () => (await page.locator(".link-word").textContent()) === "Live");
  await close();
});
