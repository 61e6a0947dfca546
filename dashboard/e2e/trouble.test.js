// Which hosts somebody has to look at, and how one comes to them: by the eye, by the link, by the keyboard.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";
import { pushNewest, pushPast } from "./synthetic.js";

const OTHERS = 60;
const STEP = 10;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Sysmond} */
let sysmond;
/** @type {ReturnType<typeof setInterval>} */
let timer;

/** @param {string} hostname @param {Record<string, number>} figures by series @param {number} [age] seconds */
function pushHost(hostname, figures, age = 0) {
  const timestamp = Math.floor(Date.now() / 1000) - age;
  const metrics = Object.entries({ "cpu.total_usage": 5, "memory.usage_percent": 40, ...figures }).map(
    ([key, value]) => {
      const [metric_type, tags = ""] = key.split(/[{}]/);
      return { timestamp, metric_type, tags, value };
    },
  );
  return sysmond.push({ hostname, tags: { role: hostname.split("-")[0] }, static: { cpu_cores: 8 }, metrics });
}

/** What comes every few seconds of all that are up. */
async function turn() {
  await pushNewest((body) => sysmond.push(body), { hosts: OTHERS, step: STEP });
  await pushHost("db-full", { "disk.usage_percent{mount=/var}": 100, "disk.usage_percent{mount=/}": 20 });
  await pushHost("web-queue", { "load.avg_1m": 380 });
  await pushHost("web-skewed", {}, 3600); // its clock is an hour behind
  await sysmond.push({ hostname: "edge-silent", metrics: [] }); // heard of, and nothing new
}

before(async () => {
  sysmond = await Sysmond.start(["aggregator", "--offline-after", "30s"]);
  await pushHost("cache-gone", {});
  await pushHost("edge-silent", {}, 60);
  await pushPast((body) => sysmond.push(body), { hosts: OTHERS, seconds: 20, step: STEP });
  await turn();
  timer = setInterval(() => void turn().catch(() => {}), (STEP * 1000) / 2);
  browser = await launch();
});
after(async () => {
  clearInterval(timer);
  await browser?.close();
  await sysmond?.end();
});

test("several hosts are looked at from above: down, silent, full and overloaded first, in words", async () => {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 1440, height: 900 } });
  await page.goto(sysmond.url);
  const rows = () => page.locator(".host-row").evaluateAll((all) => all.map((row) => row.textContent ?? ""));
  await eventually(
    "the worst first",
    async () => {
      const [gone, silent, full, queue] = await rows();
      assert.match(gone, /^offline.*cache-gone.* ago$/);
      assert.match(silent, /^stale.* oldedge-silent.* old$/);
      assert.match(full, /^onlinedb-full.*100\.0%very high/);
      assert.match(queue, /^onlineweb-queue.*380\.00very high/);
      return true;
    },
    60_000,
  );
  assert.equal(
    await page.locator(".host-row", { hasText: "db-full" }).locator(".row-disk").getAttribute("title"),
    "/var",
  );
  const skewed = page.getByRole("searchbox", { name: /Search hosts/ });
  await skewed.fill("web-skewed");
  await eventually("a wrong clock is no trouble", async () => /^onlineweb-skewed/.test((await rows())[0] ?? ""));
  await skewed.fill("disk>90");
  await eventually("one has a full disk", async () =>
    (await page.locator(".fleet-count").textContent())?.startsWith("1 of"),
  );
  await skewed.fill("load/core>10");
  await eventually("one has too much to do", async () => /web-queue/.test(String(await rows())));
  assert.deepEqual(seen.errors, []);
  await close();
});

test("from how many to which: the overview leads to the hosts in trouble", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?host=db-full`);
  const link = page.getByRole("link", { name: "1 offline" });
  await link.waitFor({ timeout: 60_000 });
  assert.equal(await link.getAttribute("href"), "?view=fleet&q=status%3Aoffline");
  await link.click();
  await eventually("the one that is down", async () => {
    const names = await page.locator(".host-row .link-button").allTextContents();
    return String(names) === "cache-gone";
  });
  await page.goBack();
  await page.locator(".host-name").waitFor();
  await page.getByRole("link", { name: /^\d+ high$/ }).click();
  await eventually("those that are high", async () => {
    const names = await page.locator(".host-row .link-button").allTextContents();
    return names.includes("db-full") && names.includes("web-queue") && !names.includes("cache-gone");
  });
  assert.match(await page.title(), /^\(1 down\)/);
  assert.match((await page.locator("link[rel=icon]").getAttribute("href")) ?? "", /^data:image\/png;/);
  assert.deepEqual(seen.errors, []);
  await close();
});

test("bars are seen, and figures stand below their heads", async () => {
  const { page, close } = await openPage(browser, { viewport: { width: 1440, height: 900 } });
  await page.goto(`${sysmond.url}?view=fleet`);
  await page.locator(".host-row").nth(5).waitFor();
  const found = await page.evaluate(() => {
    const right = (/** @type {Element | null | undefined} */ one) => {
      const range = document.createRange();
      if (one) range.selectNodeContents(one);
      return Math.round(range.getBoundingClientRect().right);
    };
    return [3, 5, 6].flatMap((column) => {
      const head = right(document.querySelector(`.hosts thead th:nth-child(${column})`));
      return [...document.querySelectorAll(".host-row")].map((row) => {
        const cell = row.children[column - 1];
        const width = cell?.querySelector(".meter")?.getBoundingClientRect().width ?? 0;
        return { width, off: right(cell?.querySelector(".share-value")) - head };
      });
    });
  });
  assert.ok(found.length > 30, String(found.length));
  for (const { width, off } of found) assert.ok(width > 20 && Math.abs(off) <= 1, `${width} wide, ${off} off`);
  await page.goto(`${sysmond.url}?host=db-full`);
  const bars = page.locator(".fs");
  await eventually("two file systems", async () => (await bars.count()) === 2);
  const rights = await page
    .locator(".fs-percent")
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
  assert.equal(rights[0], rights[1], "a word that is not there moves no figure");
  await close();
});

test("groups stand by their worst host and tell what is wrong", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet&group=role`);
  await eventually(
    "the group with the host that is down",
    async () => (await page.locator(".fleet-group").first().textContent()) === "cache 13 · 1 offline",
    60_000,
  );
  await close();
});

test("the arrow keys lead through the whole list, which says how long it is", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet&sort=name`);
  await page.locator(".host-row").first().waitFor();
  const all = OTHERS + 5;
  assert.equal(await page.getByRole("table", { name: "All hosts" }).getAttribute("aria-rowcount"), String(all + 1));
  await page.locator(".host-row .link-button").first().focus();
  for (let step = 0; step < 40; step += 1) await page.keyboard.press("ArrowDown");
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest(".host-row")?.getAttribute("aria-rowindex") ?? "none");
  assert.equal(await focused(), "42", "the 41st host, below the head");
  await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 1500)));
  assert.equal(await focused(), "42", "it stays there while figures come");
  for (let step = 0; step < 40; step += 1) await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), "2");
  await close();
});

test("what has the focus keeps it while others change their places around it", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet&sort=worst&q=db`);
  await page.locator(".host-row", { hasText: "db-full" }).getByRole("button").focus();
  for (const [sort, first] of [
    ["-worst", "db-001.fra"],
    ["-name", "db-full"],
    ["name", "db-001.fra"],
    ["worst", "db-full"],
  ]) {
    await page.evaluate((word) => history.pushState(null, "", `?view=fleet&sort=${word}&q=db`), sort);
    await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
    await eventually(`ordered by ${sort}`, async () => {
      const names = await page.locator(".host-row .link-button").allTextContents();
      return names[0] === first && names.length > 10;
    });
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "db-full", sort);
  }
  await close();
});

test("on a phone the fleet is one line, the help is there, and the first host stands on the first screen", async () => {
  const { page, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url);
  await page.locator(".host-row").first().waitFor();
  const { overview, first } = await page.evaluate(() => ({
    overview: document.querySelector(".overview")?.getBoundingClientRect().height ?? 0,
    first: document.querySelector(".host-row")?.getBoundingClientRect().top ?? Infinity,
  }));
  assert.ok(overview < 60 && first < 400, `${overview} high, the first host at ${first}`);
  await page.getByRole("button", { name: "Keys and gestures" }).click();
  await page.getByRole("dialog", { name: "Keys and gestures" }).getByText("status:stale").waitFor();
  await page.keyboard.press("Escape");
  const gone = page.locator(".host-row", { hasText: "cache-gone" }).locator(".row-age");
  await eventually("an age that has no column", async () => / ago$/.test(await gone.innerText()), 40_000);
  const word = page.locator(".host-row", { hasText: "db-full" }).locator(".row-trouble");
  await eventually("a disk that has no column", async () => (await word.innerText()) === "Disk very high");
  await close();
});
