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
  `<svg/onload=owned=1>`,
  `<body onload=owned=1>`,
  `<details open ontoggle=owned=1>`,
  `<input autofocus onfocus=owned=1>`,
  `<video><source onerror=owned=1>`,
  `<math href="javascript:owned=1">x</math>`,
  `<a href="javascript:owned=1">x</a>`,
  `<a href=data:text/html,<script>owned=1</script>>x</a>`,
  `<object data="javascript:owned=1">`,
  `<embed src="javascript:owned=1">`,
  `<link rel=import href="data:text/html,owned=1">`,
  `<meta http-equiv=refresh content="0;url=javascript:owned=1">`,
  `<base href="//evil.example/">`,
  `<form action=javascript:owned=1><button>x</button></form>`,
  `<style>@import "//evil.example/a.css";</style>`,
  `<style>*{background:url("//evil.example/a")}</style>`,
  `<template><script>owned=1</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=owned=1>">`,
  `<textarea></textarea><script>owned=1</script>`,
  `<!--><img src=x onerror=owned=1>-->`,
  `<![CDATA[<script>owned=1</script>]]>`,
  `<?xml version="1.0"?><script>owned=1</script>`,
  `<svg><script>owned=1</script></svg>`,
  `<svg><animate onbegin=owned=1 attributeName=x>`,
  `<marquee onstart=owned=1>`,
  `<iframe src="javascript:parent.owned=1">`,
  `<img srcset="x 1x" onerror=owned=1>`,
  `<x onpointerenter=owned=1>x</x>`,
  `"onmouseover="owned=1`,
  `' onfocus='owned=1' tabindex='0`,
  "`-owned=1-`",
  `\\u003cscript\\u003eowned=1\\u003c/script\\u003e`,
  `&lt;script&gt;owned=1&lt;/script&gt;`,
  `&#60;script&#62;owned=1&#60;/script&#62;`,
  `\\x3cscript\\x3eowned=1`,
  `");owned=1;//`,
  `');owned=1;//`,
  `*/owned=1/*`,
  `]]>owned=1`,
  `{{7*7}}\${7*7}<%= 7*7 %>`,
  `; DROP TABLE hosts; --`,
  `=HYPERLINK("javascript:owned=1")`,
  `@SUM(1+1)*cmd|' /C calc'!A0`,
  `hasOwnProperty`,
  `toString`,
  `prototype.polluted`,
  `../../../etc/passwd`,
  `-tag:x status:online cpu>0`,
  `\u202Egnp.exe\u202C`,
  `a\u200Bb\uFEFFc`,
  "A".repeat(60) + "\u0301".repeat(40),
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
  const about = {
    os: word,
    kernel: word,
    architecture: word,
    cpu_model: word,
    ip_addresses: [word],
    agent_version: word.slice(0, 60),
  };
  const body = {
    hostname: word,
    version: word.slice(0, 60),
    platform: word.slice(0, 60),
    tags: { [word]: word },
    static: about,
    metrics,
  };
  return (await sysmond.push(body)).ok;
}

/** A reader's text has no characters that are not seen. @param {string} word */
const shownAs = (word) => word.replace(/\s+/g, " ").trim();

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

test("the server takes some of them, or this test would show nothing", () => {
  assert.ok(accepted.length >= WORDS.length / 2, `accepted: ${accepted}`);
});

test("each is shown as text on its own page", async () => {
  const { page, seen, close } = await openPage(browser, { viewport: { width: 360, height: 800 } });
  await page.goto(sysmond.url);
  for (const host of accepted) {
    await page.evaluate((name) => {
      history.pushState(null, "", `?${new URLSearchParams({ host: name })}`);
      dispatchEvent(new PopStateEvent("popstate")); // as Back does, without loading the page anew
    }, host);
    const shown = async () => (await page.locator(".host-name").innerText()).includes(shownAs(host));
    await eventually(`${host} is shown as it is`, shown);
    await eventually("its facts are there, too", async () => (await page.locator(".fact").count()) > 2);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, host);
  }
  const foreign = await page.evaluate(() => document.querySelectorAll("img, iframe, svg, object, embed").length);
  assert.deepEqual([await page.evaluate(() => "owned" in window), foreign], [false, 0]);
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("all are shown as text in the table and in the grid, whatever they are grouped by", async () => {
  const first = accepted
    .toSorted(new Intl.Collator("en", { numeric: true }).compare)
    .slice(0, 8)
    .map(shownAs);
  await visit([{ view: "fleet" }, { sort: "name" }], first);
  await visit([{ view: "fleet" }, { sort: "name" }, { layout: "grid" }], first.slice(0, 4));
  for (const group of accepted.slice(0, 4)) await visit([{ view: "fleet" }, { group }], []);
});

test("each is text where it is searched for, and in every word of the address", async () => {
  const { page, seen, close } = await openPage(browser);
  await page.goto(`${sysmond.url}?view=fleet`);
  const search = page.getByRole("searchbox", { name: /Search hosts/ });
  for (const word of WORDS) {
    await search.fill(word);
    await eventually(`${word} stands in the address`, () => new URL(page.url()).searchParams.get("q") === word);
  }
  for (const word of WORDS.slice(0, 8)) {
    const names = ["host", "from", "to", "explain", "q", "sort", "group", "layout", "form", "ref", "past", "view"];
    await page.goto(`${sysmond.url}?${new URLSearchParams(names.map((name) => [name, word]))}`);
    await eventually("something is shown", () => page.locator("main article:not([aria-busy])").count());
  }
  assert.equal(await page.evaluate(() => "owned" in window), false);
  assert.deepEqual([seen.dialogs, seen.errors], [[], []]);
  await close();
});

test("eight are shown as text beside each other", () => {
  const names = accepted.slice(0, 8);
  return visit([{ view: "compare" }, { form: "each" }, ...names.map((compare) => ({ compare }))], names.map(shownAs));
});
