// Hosts say what they like of themselves. Nothing of it may run, and nothing may break the page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

const WORDS = [
  `<img src=x onerror="owned=1">`,
  `<script>owned=1</script>`,
  `"><svg onload=owned=1>`,
  `'-owned=1-'`,
  `javascript:owned=1`,
  "${owned=1}{{constructor.constructor('owned=1')()}}",
  `</title><iframe srcdoc="<script>parent.owned=1</script>">`,
  `__proto__`,
  `constructor`,
  `%3Cimg%20src=x%20onerror=owned=1%3E`,
  `a&host=b#c?d=../../e`,
  "W".repeat(200),
  "🙂é漢字ﷺ",
];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;
/** @type {string[]} */
let accepted = [];

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  browser = await launch();
  for (const word of WORDS) if (await pushed(word)) accepted.push(word);
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

/** @param {string} word in every place that a host fills; what is refused there is tried as its tag's value alone */
async function pushed(word) {
  const timestamp = Math.floor(Date.now() / 1000);
  const escaped = word.replace(/[\\,=]/g, "\\$&");
  const metrics = [
    { timestamp, metric_type: "cpu.total_usage", value: 5, tags: "" },
    { timestamp, metric_type: "memory.usage_percent", value: 50, tags: "" },
    { timestamp, metric_type: "disk.usage_percent", value: 99, tags: `mount=${escaped}` },
    { timestamp, metric_type: "cpu.core_usage", value: 9, tags: `core=${escaped}` },
    { timestamp, metric_type: "network.rx_bytes", value: 9, tags: `interface=${escaped}` },
    { timestamp, metric_type: word.slice(0, 100), value: 1, tags: "" },
  ];
  const about = { os: word, kernel: word, architecture: word, cpu_model: word, ip_addresses: [word], agent_version: word.slice(0, 60) };
  const body = { hostname: word, version: word.slice(0, 60), platform: word.slice(0, 60), tags: { [word]: word }, static: about, metrics };
  return (await sysmond.push(body)).ok;
}

/** @param {string} query @param {string} name */
async function visit(query, name) {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url + query);
  await eventually("something is shown", () => page.locator("main article:not([aria-busy])").count());
  for (const details of await page.locator("details").all()) await details.evaluate((element) => element.setAttribute("open", ""));
  await eventually(`${name} is shown as it is`, async () => (await page.locator("main").innerText()).includes(name));
  const state = await page.evaluate(() => ({ owned: "owned" in window, width: document.documentElement.scrollWidth, images: document.querySelectorAll("img, iframe, main svg, body script").length }));
  assert.deepEqual([state, seen.dialogs, seen.errors], [{ owned: false, width: 360, images: 0 }, [], []], `${query} ${name}`);
  await close();
}

test("the server takes some of them, or this test would show nothing", () => {
  assert.ok(accepted.length >= WORDS.length / 2, `accepted: ${accepted}`);
});

test("each is shown as text on its own page", async () => {
  for (const name of accepted) await visit(`?${new URLSearchParams({ host: name })}`, name);
});

test("all are shown as text in the table", async () => {
  for (const name of accepted) await visit("?view=fleet", name);
});

test("some are shown as text beside each other", async () => {
  const names = accepted.slice(0, 8);
  const query = new URLSearchParams(names.map((name) => ["compare", name]));
  query.set("view", "compare");
  for (const name of names.slice(0, 3)) await visit(`?${query}`, name);
});
