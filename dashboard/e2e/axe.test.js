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

/** @param {import("playwright-core").Page} page */
async function findings(page) {
  const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
  return violations.map((/** @type {any} */ { id, nodes }) => [id, nodes.map((/** @type {any} */ node) => node.html)]);
}

for (const view of VIEWS)
  test(`${view.name}: nothing that axe-core finds, light and dark, and no scrolling sideways`, async () => {
    const { page, close } = await openPage(browser, { colorScheme: "light" });
    await view.open(page, gallery);
    await page.evaluate(AXE);
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await findings(page), [], colorScheme);
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    }
    await close();
  });
