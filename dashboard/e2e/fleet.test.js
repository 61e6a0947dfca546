// Several hosts: the fleet, the comparison, hosts that fall silent, and hosts with bad intentions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasValues, launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

const HOSTS = ["web-server-01", "db-server-01", "app-server-01"];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;
/** @type {{ end(): Promise<void> }[]} */
let agents = [];

before(async () => {
  sysmond = await Sysmond.start(["aggregator"]);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all(agents.map((agent) => agent.end()));
  await sysmond?.end();
});

/** @param {string} path */
const getJson = async (path) => (await fetch(sysmond.url + path)).json();

test("an empty fleet shows the command that enrols a host", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(sysmond.url);
  await page.getByText("No host has reported yet").waitFor();
  assert.match(
    (await page.locator(".command code").textContent()) ?? "",
    new RegExp(`^sysmond agent --aggregator http://${sysmond.address} `),
  );
  const enrol = (/** @type {string} */ name) => sysmond.agent(name, ["--tag", "environment=test"]);
  agents = [await enrol(HOSTS[0])];
  await page.locator(".host-name").waitFor();
  agents.push(...(await Promise.all(HOSTS.slice(1).map(enrol))));
  await eventually(
    "all hosts are counted",
    async () => (await page.locator(".overview .card-value").first().textContent()) === "3",
  );
  assert.equal(await page.locator(".host-name").textContent(), HOSTS[0], "who reads is not taken away");
  await page.reload();
  await page.locator(".fleet .host-row").first().waitFor();
  await page.getByRole("button", { name: "Single" }).click();
  await page.locator(".host-name").waitFor();
  assert.equal(new URL(page.url()).search, "?view=single");
  assert.deepEqual(seen.errors, []);
  await close();
});

test("the fleet's figures are the server's", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet`);
  await eventually(
    "three rows are online",
    async () => (await page.locator("tbody .status[data-status=online]").count()) === 3,
  );
  const figures = async () => page.locator(".overview .card-value").allTextContents();
  await eventually("the figures agree", async () => {
    const summary = await getJson("api/fleet/summary");
    const [total, online, cpu] = await figures();
    return (
      total === String(summary.total_hosts) &&
      online === String(summary.online_hosts) &&
      cpu === `${summary.avg_cpu_usage.toFixed(1)}%`
    );
  });
  await close();
});

test("hosts are compared, one and another is left out, and a reload keeps it all", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?host=web-server-01`);
  await hasValues(page);
  assert.equal(await page.locator(".host-name").textContent(), "web-server-01");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  const names = () => page.locator(".compare-name").allTextContents();
  await eventually("three hosts are compared", async () => (await names()).length === 3);
  await eventually("each with figures", async () =>
    (await page.locator(".compare-value").allTextContents()).every((text) => /\d/.test(text)),
  );
  await page.locator(".chip", { hasText: "db-server-01" }).click();
  await eventually("two are left", async () => (await names()).length === 2);
  await page.reload();
  await eventually("two after a reload", async () => (await names()).length === 2);
  assert.deepEqual((await names()).toSorted(), ["app-server-01", "web-server-01"]);
  await page.goBack();
  await eventually("three again", async () => (await names()).length === 3);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("a host far away streams each second while somebody watches", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?host=web-server-01`);
  await hasValues(page);
  /** @type {number[]} */
  const times = [];
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => {
      const frame = JSON.parse(String(payload));
      if (frame.type === "sample") times.push(frame.timestamp);
    });
  });
  await page.reload();
  await eventually(
    "samples a second apart",
    () => times.slice(1).filter((time, index) => Math.abs(time - times[index] - 1) < 0.3).length >= 3,
    40_000,
  );
  await close();
});

test("a host that never was is told, and another can be chosen", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?host=nobody`);
  await page.getByText("There is no host").waitFor();
  await page.getByRole("combobox", { name: "Host" }).selectOption("db-server-01");
  await hasValues(page);
  assert.equal(new URL(page.url()).search, "?host=db-server-01");
  await close();
});
