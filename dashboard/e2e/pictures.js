// Pictures of every view at three widths, light and dark:
//
//     SYSMOND_BIN=../target/release/sysmond node e2e/pictures.js FOLDER [SECONDS]
//
// Three agents run for SECONDS (default 90) before the first picture, so that there is something in the charts. With
// URL=http://… the pictures are of that server instead. `single-1440-light.png` is the one of the README.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { hasValues, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

const WIDTHS = [360, 768, 1440];
const HOSTS = { "web-server-01": "web", "db-server-01": "database", "app-server-01": "app" };

const [folder, seconds = "90"] = process.argv.slice(2);
if (!folder) throw new Error("usage: node e2e/pictures.js FOLDER [SECONDS]");
await mkdir(folder, { recursive: true });

const fleet = process.env.URL ? null : await startFleet();
const url = process.env.URL ?? fleet?.url ?? "";
const browser = await launch();
try {
  for (const width of WIDTHS)
    for (const scheme of /** @type {const} */ (["light", "dark"])) await takeAll(width, scheme);
} finally {
  await browser.close();
  await fleet?.end();
}

async function startFleet() {
  const sysmond = await Sysmond.start(["aggregator"]);
  const agents = await Promise.all(
    Object.entries(HOSTS).map(([name, role]) =>
      sysmond.agent(name, ["--tag", "environment=production", "--tag", `role=${role}`]),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const end = async () => {
    await Promise.all(agents.map((agent) => agent.end()));
    await sysmond.end();
  };
  return { url: sysmond.url, end };
}

/** @param {number} width @param {"light" | "dark"} colorScheme */
async function takeAll(width, colorScheme) {
  const { page, close } = await openPage(browser, {
    viewport: { width, height: 900 },
    deviceScaleFactor: width < 500 ? 2 : 1,
    colorScheme,
  });
  /** Charts are drawn when they are on screen: the screen is made as high as the page. */
  const take = async (/** @type {string} */ name) => {
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) });
    await page.setViewportSize({ width, height: 900 });
  };
  await page.goto(url);
  await hasValues(page);
  await page.waitForTimeout(2500); // a few live samples
  await take("single");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await eventually("figures", async () =>
    (await page.locator(".compare-value").allTextContents()).every((text) => /\d/.test(text)),
  );
  await page.waitForTimeout(500);
  await take("compare");
  await page.getByRole("button", { name: "All hosts" }).click();
  await page.locator("table.hosts").waitFor();
  await page.waitForTimeout(300);
  await take("fleet");
  await close();
}
