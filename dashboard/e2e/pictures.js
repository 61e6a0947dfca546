// Pictures of every view at three widths, the main ones also in the dark, and of the page on paper:
//
//     SYSMOND_BIN=../target/release/sysmond node e2e/pictures.js FOLDER [SECONDS] [VIEW…]
//
// Three agents run for SECONDS (default 90) before the first picture, so that there is something in the charts.
// `dashboard.png` is the README's, docs/dashboard.png: taken of a release build on a machine that has nothing else to
// do, after five minutes (`… FOLDER 300 readme`).

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch, openPage } from "./browser.js";
import { startGallery, VIEWS } from "./gallery.js";

const WIDTHS = [360, 768, 1440];
/** No picture is higher, CSS pixels: a browser draws no canvas beyond. */
const HIGHEST = 8000;

const [folder, seconds = "90", ...wanted] = process.argv.slice(2);
if (!folder) throw new Error("usage: node e2e/pictures.js FOLDER [SECONDS] [VIEW…]");
await mkdir(folder, { recursive: true });

const gallery = await startGallery(Number(seconds));
const browser = await launch();
try {
  for (const view of VIEWS)
    if (wanted.length === 0 || wanted.includes(view.name))
      for (const width of WIDTHS) await takeAll(view, width, view.main ? ["light", "dark"] : ["light"]);
  for (const name of ["host", "fleet"]) if (wanted.length === 0 || wanted.includes("print")) await print(name);
  if (wanted.length === 0 || wanted.includes("readme")) await takeForReadme();
} finally {
  await browser.close();
  await gallery.end();
}

/** @param {import("./gallery.js").View} view @param {number} width @param {("light" | "dark")[]} schemes */
async function takeAll(view, width, schemes) {
  const { page, close } = await openPage(browser, {
    viewport: { width, height: 900 },
    deviceScaleFactor: width < 500 ? 2 : 1,
    colorScheme: "light",
  });
  await view.open(page, gallery);
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    // Charts are drawn when they are on screen: the screen is made as high as the page.
    const whole = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height: Math.min(HIGHEST, Math.max(900, whole)) });
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(folder, `${view.name}-${width}-${colorScheme}.png`) });
    await page.setViewportSize({ width, height: 900 });
  }
  await close();
}

async function takeForReadme() {
  const [host] = VIEWS;
  const { page, close } = await openPage(browser, { viewport: { width: 1440, height: 1790 }, colorScheme: "light" });
  await host.open(page, gallery);
  await page.locator(".processes tbody tr").first().waitFor();
  await page.waitForTimeout(2500); // a few live samples
  await page.screenshot({ path: join(folder, "dashboard.png") });
  await close();
}

/** What comes out of the printer: a file, and a picture of it as the paper is wide. @param {string} name */
async function print(name) {
  const view = VIEWS.find((one) => one.name === name);
  if (view === undefined) throw new Error(`no view ${name}`);
  const { page, close } = await openPage(browser, { viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
  await view.open(page, gallery);
  await page.waitForTimeout(1500);
  await page.pdf({ path: join(folder, `${name}-print.pdf`), format: "A4", printBackground: true });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 720, height: 1020 }); // what a sheet has within its margins
  await page.screenshot({ path: join(folder, `${name}-print.png`), fullPage: true });
  await close();
}
