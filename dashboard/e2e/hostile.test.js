// Hosts say what they like of themselves. Nothing of it may run, and nothing may break the page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { WORDS } from "./hostile_words.js";
import { Sysmond } from "./sysmond.js";

/** Labels of series in which a host names what it has, each with a metric that carries it. */
const LABELS = [
  ["disk.usage_percent", "mount"],
  ["cpu.core_usage", "core"],
  ["network.rx_bytes", "interface"],
  ["disk.read_bytes", "device"],
  ["sensors.temperature", "sensor"],
  ["sensors.fan_speed", "chip"],
  ["battery.charge_percent", "battery"],
  ["raid.disks_active", "array"],
  ["service.cpu_percent", "service"],
  ["container.cpu_percent", "container"],
  ["tcp.connections", "state"],
  ["app.requests", "queue"],
];
/** Where a word is read on the page of its host, at the least: its name, tags, facts, reasons, processes and their
 *  commands, charts, cores, disks, sensors, and again among all values. */
const LEAST_PLACES = 28;

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

/** @param {number} pid @param {string} word */
const processOf = (pid, word) => ({
  ...{ pid, name: word, command: word, user: 0, state: "R", threads: 1 },
  ...{ cpu_percent: 50, memory_bytes: 1e9, read_bytes: null, write_bytes: 1e6 },
});

/** @param {string} word in every place that a host fills */
async function pushed(word) {
  const timestamp = Math.floor(Date.now() / 1000);
  const escaped = word.replace(/[\\,=]/g, "\\$&");
  const metrics = [
    { timestamp, metric_type: "cpu.total_usage", value: 5, tags: "" },
    { timestamp, metric_type: "memory.usage_percent", value: 50, tags: "" },
    ...LABELS.map(([metric_type, label]) => ({ timestamp, metric_type, value: 99, tags: `${label}=${escaped}` })),
    { timestamp, metric_type: "agent.collector_up", value: 0, tags: "collector=broken" },
    { timestamp, metric_type: "agent.collector_up", value: 0, tags: `collector=${escaped}` },
    { timestamp, metric_type: word.slice(0, 100), value: 1, tags: "" },
  ];
  const about = {
    os: word,
    kernel: word,
    architecture: word,
    cpu_model: word,
    ip_addresses: [word],
    container: word,
    figures_of: word,
    agent_version: word.slice(0, 60),
    unavailable: { raid: word, [`x ${word}`]: "a reason" },
  };
  const body = {
    hostname: word,
    version: word.slice(0, 60),
    platform: word.slice(0, 60),
    tags: { [word]: word },
    static: about,
    metrics,
    processes: [{ timestamp, seconds: 10, total: 2, processes: [processOf(1, word), processOf(2, word)] }],
  };
  const answer = await sysmond.push(body);
  if (!answer.ok) return false;
  const { errors = [] } = await answer.json();
  for (const { code } of errors) assert.equal(code, "bad_metric_type"); // a metric's name may be refused, a label not
  return true;
}

/** A reader's text has no characters that are not seen. @param {string} word */
const shownAs = (word) => word.replace(/\s+/g, " ").trim();

/** How many texts of the page hold a word. @param {import("playwright-core").Page} page @param {string} word */
const placesOf = (page, word) =>
  page.evaluate(
    (sought) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let count = 0;
      while (walker.nextNode() !== null) if (walker.currentNode.nodeValue?.includes(sought)) count += 1;
      return count;
    },
    word.slice(0, 60),
  );

/** @param {Record<string, string>[]} query @param {readonly string[]} names to be found on the page */
async function visit(query, names) {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(`${sysmond.url}?${new URLSearchParams(query.flatMap(Object.entries))}`);
  await eventually("something is shown", () => page.locator("main article:not([aria-busy])").count());
  for (const details of await page.locator("details").all())
    await details.evaluate((element) => element.setAttribute("open", ""));
  for (const name of names)
    await eventually(`${name} is shown as it is`, async () => (await page.locator("main").innerText()).includes(name));
  const state = await page.evaluate(() => ({
    owned: "owned" in window,
    width: document.documentElement.scrollWidth,
    foreign: document.querySelectorAll("img, iframe, svg, object, embed, form:not(.time-form), style, body script")
      .length,
  }));
  assert.deepEqual(
    [state, seen.dialogs, seen.errors],
    [{ owned: false, width: 360, foreign: 0 }, [], []],
    String(names),
  );
  await close();
}

test("the server takes sixty of them, or this test would show nothing", () => {
  const refused = WORDS.filter((word) => !accepted.includes(word));
  assert.ok(accepted.length >= 60, `refused: ${refused.map((word) => JSON.stringify(word))}`);
});

test("each is shown as text in every place on its own page", async (t) => {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url);
  let places = 0;
  for (const host of accepted) {
    await page.evaluate((name) => {
      history.pushState(null, "", `?${new URLSearchParams({ host: name })}`);
      dispatchEvent(new PopStateEvent("popstate")); // as Back does, without loading the page anew
    }, host);
    const shown = async () => (await page.locator(".host-name").innerText()).includes(shownAs(host));
    await eventually(`${host} is shown as it is`, shown);
    await page.locator(".all-values > summary").click();
    await eventually(`${host} is read in all places`, async () => (await placesOf(page, host)) >= LEAST_PLACES);
    places += await placesOf(page, host);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, host);
  }
  const foreign = await page.evaluate(() => document.querySelectorAll("img, iframe, svg, object, embed").length);
  assert.deepEqual([await page.evaluate(() => "owned" in window), foreign], [false, 0]);
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  t.diagnostic(`${accepted.length} words in ${places} places`);
  await close();
});

/** To another address as Back goes there, without loading the page anew. @param {import("playwright-core").Page} page
 *  @param {string[][]} query */
const goTo = (page, query) =>
  page.evaluate(
    (search) => {
      history.pushState(null, "", `?${search}`);
      dispatchEvent(new PopStateEvent("popstate"));
    },
    String(new URLSearchParams(query)),
  );

/** What finds the host of that name. @param {string} word */
const searchFor = (word) => `name:"${word.replaceAll('"', "*")}"`;

/** @param {import("playwright-core").Page} page */
async function checkUnharmed(page) {
  const state = await page.evaluate(() => [
    "owned" in window,
    document.documentElement.scrollWidth <= innerWidth,
    document.querySelectorAll("img, iframe, svg, object, embed, form:not(.time-form), style, body script").length,
  ]);
  assert.deepEqual(state, [false, true, 0]);
}

test("each is text where what moved is explained, and in a table of a chart", async () => {
  const { page, seen, close } = await openPage(browser);
  const now = Math.floor(Date.now() / 1000);
  await page.goto(sysmond.url);
  for (const host of accepted) {
    await goTo(page, [
      ["host", host],
      ["explain", `${now - 600}~${now + 60}`],
    ]);
    await page.getByText(/Measured against/).waitFor();
    await page.locator(".culprit, .explain-who + p").first().waitFor();
    for (const panel of await page.locator(".group[data-group=sensors] .panel[role=group]").all()) {
      await panel.locator(".panel-menu summary").click();
      await panel.getByRole("button", { name: "View as table" }).click();
      await panel.getByRole("table").waitFor();
    }
    await checkUnharmed(page);
  }
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("all are shown as text in the table and in the grid, as names, tags and the fullest mount", async () => {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url);
  for (const layout of ["", "grid"])
    for (const word of accepted) {
      await goTo(page, [
        ["view", "fleet"],
        ["layout", layout],
        ["q", searchFor(word)],
      ]);
      const one = page.locator(".host-row, .tile").filter({ has: page.getByTitle(word, { exact: true }) });
      await eventually(
        `${word} is shown as it is`,
        async () => (await one.first().locator(".link-button").textContent()) === word,
      );
      assert.equal(await one.first().locator(".row-tags").textContent(), `${word}=${word}`);
      if (layout === "") assert.equal(await one.first().locator(".row-disk").getAttribute("title"), word);
      await checkUnharmed(page);
    }
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("each is text as what hosts are grouped by, and as the head of a group", async () => {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url);
  for (const group of accepted) {
    await goTo(page, [
      ["view", "fleet"],
      ["group", group],
      ["q", searchFor(group)],
    ]);
    const heads = async () => page.locator(".fleet-group-name").allTextContents();
    await eventually(`${group} heads a group`, async () => (await heads()).includes(group));
    await checkUnharmed(page);
  }
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("each is text where it is searched for, and in every word of the address", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet`);
  const search = page.getByRole("searchbox", { name: /Search hosts/ });
  for (const word of WORDS) {
    await search.fill(word);
    await eventually(`${word} stands in the address`, () => new URL(page.url()).searchParams.get("q") === word);
  }
  for (const word of WORDS) {
    const names = ["host", "from", "to", "explain", "q", "sort", "group", "layout", "form", "ref", "past", "view"];
    await page.goto(`${sysmond.url}?${new URLSearchParams(names.map((name) => [name, word]))}`);
    await eventually("something is shown", () => page.locator("main article:not([aria-busy])").count());
    await checkUnharmed(page);
  }
  assert.equal(await page.evaluate(() => "owned" in window), false);
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("all are shown as text beside each other, eight at a time", async () => {
  for (let at = 0; at < accepted.length; at += 8) {
    const names = accepted.slice(at, at + 8);
    await visit([{ view: "compare" }, { form: "each" }, ...names.map((compare) => ({ compare }))], names.map(shownAs));
  }
});
