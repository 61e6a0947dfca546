// A host that falls silent: stale first, then offline, and its charts stay.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { card, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;

before(async () => {
  sysmond = await Sysmond.start(["aggregator", "--offline-after", "3s"]);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await sysmond?.end();
});

/** @param {number} age of the newest of sixty samples, seconds */
async function push(age) {
  const newest = Math.floor(Date.now() / 1000) - age;
  const metrics = Array.from({ length: 60 }, (_, index) => ({
    timestamp: newest - index,
    metric_type: "cpu.total_usage",
    value: 20 + index,
    tags: "",
  }));
  const answer = await sysmond.push({
    hostname: "web-server-01",
    version: "0.5.0",
    platform: "Linux",
    tags: {},
    metrics,
  });
  assert.equal(answer.status, 200);
}

test("an offline host is told in title and table, and keeps its charts", async () => {
  await push(0);
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await eventually("its value is shown", async () => (await card(page, "CPU").textContent()) === "20.0%");
  await eventually("the title tells", async () => (await page.title()) === "(1 down) web-server-01 · sysmon");
  assert.equal(await page.locator(".host-head .status").getAttribute("data-status"), "offline");
  assert.equal(await card(page, "CPU").textContent(), "20.0%");
  await page.reload();
  await eventually(
    "its last minutes are there after a reload",
    async () => (await card(page, "CPU").textContent()) === "20.0%",
  );
  await page.getByRole("button", { name: "All hosts" }).click();
  await page.locator("tbody tr[data-stale] .status[data-status=offline]").waitFor();
  assert.deepEqual(seen.errors, []);
  await close();
});

test("values that are no longer fresh say how old they are", async () => {
  await push(120);
  const { page, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await page
    .locator(".host[data-stale] .host-age")
    .getByText(/old|last seen/)
    .waitFor();
  await close();
});

test("of a host that only sent values nothing else is said: no empty bar, and not what it has none of", async () => {
  const now = Math.floor(Date.now() / 1000);
  const of = (/** @type {string} */ metric_type) => ({ timestamp: now, metric_type, value: 12.5, tags: "" });
  const metrics = [of("cpu.total_usage"), of("shop.orders")];
  assert.equal((await sysmond.push({ hostname: "by-hand", metrics })).status, 200);
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?host=by-hand`);
  await eventually("its value is shown", async () => (await card(page, "CPU").textContent()) === "12.5%");
  assert.equal(await page.locator(".host-facts").isVisible(), false);
  await page.locator(".panel[role=group]", { hasText: "shop.orders" }).waitFor();
  assert.doesNotMatch(await page.locator("main").innerText(), /: none \(/);
  await close();
});
