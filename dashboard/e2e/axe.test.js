// What has to hold of every view: no finding of axe-core, light and dark, and no width that makes the page scroll
// sideways.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { startGallery, VIEWS } from "./gallery.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [360, 768, 1440];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("./gallery.js").Gallery} */
let gallery;

before(async () => {
  gallery = await startGallery();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await gallery?.end();
});

/** @param {import("playwright-core").Page} page @param {string} [part] */
async function findings(page, part = "html") {
  const { violations } = await page.evaluate((selector) => /** @type {any} */ (window).axe.run(selector), part);
  return violations.map((/** @type {any} */ { id, nodes }) => [id, nodes.map((/** @type {any} */ node) => node.html)]);
}

/** What has a text and no room for it: a column that others took. */
const squeezed = () =>
  [...document.querySelectorAll("main :is(button, th, td, h2, h3, summary)")]
    .filter((one) => one.checkVisibility() && one.textContent !== "" && one.getBoundingClientRect().width < 8)
    .map((one) => one.outerHTML.slice(0, 200));

for (const view of VIEWS)
  test(`${view.name}: nothing that axe-core finds, light and dark, and no scrolling sideways`, async () => {
    const { page, close } = await openPage(browser, { colorScheme: "light" });
    await view.open(page, gallery);
    await page.evaluate(AXE);
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await findings(page, view.part), [], colorScheme);
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      assert.deepEqual(await page.evaluate(squeezed), [], `${width} pixels`);
    }
    await close();
  });
