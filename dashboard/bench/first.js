// How long a visit waits for its first figures, and for its first chart, from the begin of the navigation, over
// loopback, with nothing kept from an earlier visit:
//
//     SYSMOND_BIN=../target/release/sysmond node bench/first.js [VISITS]

import { hasValues, launch, openPage } from "../e2e/browser.js";
import { Sysmond } from "../e2e/sysmond.js";

const VISITS = Number(process.argv[2] ?? 20);

const sysmond = await Sysmond.start();
const browser = await launch();
/** @type {number[][]} */
const visits = [];
try {
  for (let visit = 0; visit <= VISITS; visit += 1) visits.push(await open());
} finally {
  await browser.close();
  await sysmond.end();
}
visits.shift(); // the browser itself was not warm
process.stdout.write("| until | least ms | median ms | most ms |\n| --- | ---: | ---: | ---: |\n");
["the first figures", "the first chart"].forEach((what, index) => {
  const sorted = visits.map((times) => times[index]).toSorted((a, b) => a - b);
  const figures = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]].map(Math.round);
  process.stdout.write(`| ${what} | ${figures.join(" | ")} |\n`);
});

async function open() {
  const { page, close } = await openPage(browser);
  await page.addInitScript(() => {
    /** @type {number[]} */
    const seen = /** @type {any} */ (window.seen = []);
    const look = () => {
      const figure = /\d/.test(document.querySelector(".figure .card-value")?.textContent ?? "");
      const chart = document.querySelector(".panel-wide .chart[aria-label*=lowest]") !== null;
      if (figure) seen[0] ??= performance.now();
      if (chart) seen[1] ??= performance.now();
      if (seen.length < 2) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(sysmond.url);
  await hasValues(page);
  await page.waitForFunction(() => /** @type {any} */ (window).seen.length === 2);
  const times = await page.evaluate(() => /** @type {number[]} */ (/** @type {any} */ (window).seen));
  await close();
  return times;
}
