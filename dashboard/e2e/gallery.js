// Every view of the page, over servers and hosts that have what each of them shows: for pictures, and for what has to
// hold of all of them.

import { eventually } from "./eventually.js";
import { startProxy } from "./proxy.js";
import { hostOf, pushNewest, pushPast } from "./synthetic.js";
import { Sysmond } from "./sysmond.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {{ url: string, emptyUrl: string, proxyOf(): ReturnType<typeof startProxy>, stale(): Promise<unknown>, end(): Promise<void> }} Gallery */

const AGENTS = { "web-server-01": "web", "db-server-01": "database", "app-server-01": "app" };
/** Made up; one of them is in trouble. */
const OTHERS = 15;
const PAST_SECONDS = 7200;
const STEP = 10;
const OFFLINE = "cache-server-01";
const STALE = "edge-server-01";
const ALONE = "web-server-01";
const TROUBLED = hostOf(13).hostname;
export const BROKEN = "lab-server-01";

/** @param {number} [seconds] how long the agents run before the first view */
export async function startGallery(seconds = 0) {
  const [sysmond, empty] = await Promise.all([
    Sysmond.start(["aggregator", "--offline-after", "30s"]),
    Sysmond.start(["aggregator"]),
  ]);
  const push = (/** @type {unknown} */ body) => sysmond.push(body);
  const tags = (/** @type {string} */ role) => ["--tag", "environment=production", "--tag", `role=${role}`];
  const agents = await Promise.all(Object.entries(AGENTS).map(([name, role]) => sysmond.agent(name, tags(role))));
  await pushPast(push, { hosts: OTHERS, seconds: PAST_SECONDS, step: STEP });
  await push(bodyOf(OFFLINE, 0));
  const turn = async () => {
    await pushNewest(push, { hosts: OTHERS, step: STEP });
    await push({ ...bodyOf(STALE, 120), metrics: [] }); // it is heard of, and says nothing
    await push(bodyOf(BROKEN, 0));
  };
  await push(bodyOf(STALE, 120));
  await turn();
  const timer = setInterval(() => void turn().catch(() => {}), (STEP * 1000) / 2);
  await eventually("a host is offline", () => isOffline(sysmond.url), 60_000);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return {
    url: sysmond.url,
    emptyUrl: empty.url,
    proxyOf: () => startProxy(() => sysmond.address),
    stale: () => push(bodyOf(STALE, 120)),
    end: async () => {
      clearInterval(timer);
      await Promise.all(agents.map((agent) => agent.end()));
      await Promise.all([sysmond.end(), empty.end()]);
    },
  };
}

/** @param {string} url */
async function isOffline(url) {
  const { hosts } = await (await fetch(`${url}api/hosts`)).json();
  return hosts.some((/** @type {any} */ host) => host.hostname === OFFLINE && host.status === "offline");
}

/** Minutes of a host whose newest value is so old. @param {string} hostname @param {number} age seconds */
function bodyOf(hostname, age) {
  const newest = Math.floor(Date.now() / 1000) - age;
  const metrics = Array.from({ length: 150 }, (_, index) => newest - 2 * index).flatMap((timestamp) => {
    const wave = Math.sin(timestamp / 20);
    const value = (/** @type {string} */ metric_type, /** @type {number} */ value, tags = "") => ({
      ...{ timestamp, metric_type, value, tags },
    });
    return [
      value("cpu.total_usage", 30 + 20 * wave),
      value("memory.usage_percent", 60 + wave),
      value("memory.used_bytes", 5e9 + 1e8 * wave),
      value("load.avg_1m", 1 + 0.5 * wave),
      value("agent.collector_up", Number(hostname !== BROKEN), "collector=disk"),
    ];
  });
  const unavailable = {
    pressure: "the kernel has no /proc/pressure (CONFIG_PSI is off)",
    sensors: "permission denied: /sys/class/hwmon",
  };
  return {
    hostname,
    version: "0.5.0",
    platform: "Linux",
    tags: { environment: "production", role: hostname.split("-")[0] },
    static: { ...hostOf(0).static, ...(hostname === BROKEN ? { unavailable } : {}) },
    metrics,
  };
}

/** @param {Page} page */
const figures = (page) =>
  eventually("figures", async () => /\d/.test((await page.locator(".figure .card-value").first().textContent()) ?? ""));
/** @param {Page} page */
const charts = (page) => page.locator(".panel-wide .chart[aria-label*=lowest]").waitFor();

/** @param {string} query @param {(page: Page) => Promise<unknown>} ready @returns {View["open"]} */
const at =
  (query, ready) =>
  async (page, { url }) => {
    await page.goto(url + query);
    await ready(page);
  };

const COMPARE = `?view=compare&${["web-001.fra", "db-001.fra", "cache-001.fra", ALONE].map((name) => `compare=${name}`).join("&")}`;
/** @param {Page} page */
const compared = (page) =>
  eventually("figures of all", async () => {
    const texts = await page.locator(".compare-value").allTextContents();
    return texts.length > 0 && texts.every((text) => /\d/.test(text));
  });

/**
 * @typedef {object} View
 * @property {string} name
 * @property {(page: Page, gallery: Gallery) => Promise<unknown>} open ready to be looked at
 * @property {string} [part] what it has beside the page of a host, which is looked through as a view of its own
 * @property {boolean} [main] worth a picture in the dark as well
 */

/** @type {View[]} */
export const VIEWS = [
  {
    name: "host",
    main: true,
    open: at(`?host=${ALONE}`, async (page) => {
      await figures(page);
      await charts(page);
    }),
  },
  { name: "host-hour", part: ".host-head, .timebar, .panel-wide", open: at(`?host=${TROUBLED}&from=now-1h`, charts) },
  { name: "compare", main: true, open: at(COMPARE, compared) },
  { name: "compare-each", open: at(`${COMPARE}&form=each&past=1h&from=now-1h`, compared) },
  { name: "fleet", main: true, open: at("?view=fleet", (page) => page.locator(".host-row").first().waitFor()) },
  {
    name: "fleet-grid",
    main: true,
    open: at("?view=fleet&layout=grid&group=role", (page) => page.locator(".tile").first().waitFor()),
  },
  {
    name: "fleet-none",
    open: at("?view=fleet&q=tag:role=nobody", (page) => page.getByText("No host is like that.").waitFor()),
  },
  {
    name: "explain",
    part: ".explain",
    main: true,
    open: async (page, { url }) => {
      const now = Math.floor(Date.now() / 1000);
      await page.goto(`${url}?host=${ALONE}&explain=${now - 30}~${now}`);
      await page.getByText(/Measured against/).waitFor();
    },
  },
  {
    name: "settings",
    part: "dialog",
    main: true,
    open: at(`?host=${ALONE}`, async (page) => {
      await figures(page);
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByRole("dialog", { name: "Settings" }).waitFor();
    }),
  },
  {
    name: "help",
    part: "dialog",
    open: at(`?host=${ALONE}`, async (page) => {
      await figures(page);
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
    }),
  },
  {
    name: "table",
    part: ".panel-wide, .all-values",
    open: at(`?host=${ALONE}`, async (page) => {
      await charts(page);
      await page.locator(".panel-wide .panel-menu summary").first().click();
      await page.getByRole("button", { name: "View as table" }).click();
      await page.getByRole("table", { name: /as a table/ }).waitFor();
      await page.locator(".all-values > summary").click();
      await page.getByRole("region", { name: "All values" }).waitFor();
    }),
  },
  {
    name: "time",
    part: ".timebar",
    open: at(`?host=${ALONE}`, async (page) => {
      await figures(page);
      await page.locator(".time-summary").click();
      await page.getByRole("textbox", { name: "From" }).waitFor();
    }),
  },
  {
    name: "cursor",
    part: ".panel-wide",
    open: at(`?host=${TROUBLED}&from=now-1h`, async (page) => {
      await charts(page);
      const box = await page.locator(".panel-wide .chart").boundingBox();
      if (box !== null) await page.mouse.move(box.x + box.width * 0.6, box.y + 60);
    }),
  },
  {
    name: "empty",
    main: true,
    open: async (page, { emptyUrl }) => {
      await page.goto(emptyUrl);
      await page.getByText("No host has reported yet").waitFor();
    },
  },
  { name: "offline", main: true, open: at(`?host=${OFFLINE}`, charts) },
  {
    name: "stale",
    part: ".host-head, .cards",
    open: async (page, gallery) => {
      await gallery.stale();
      await page.goto(`${gallery.url}?host=${STALE}`);
      await page.locator(".host[data-stale]").waitFor();
    },
  },
  {
    name: "lost",
    part: ".topbar, .banner, .overview",
    main: true,
    open: async (page, { proxyOf }) => {
      const proxy = await proxyOf();
      await page.goto(`${proxy.url}?host=${ALONE}`);
      await figures(page);
      await charts(page);
      proxy.end();
      await page.getByRole("alert").filter({ hasText: "The link to the server is lost" }).waitFor();
    },
  },
  {
    name: "missing",
    part: ".source-note, .idle",
    open: at(`?host=${BROKEN}`, (page) => page.getByText(/Not collected here/).waitFor()),
  },
  {
    name: "error",
    part: ".timebar",
    open: async (page, { url }) => {
      await page.route("**/api/history*", (route) => route.abort());
      await page.goto(`${url}?host=web-001.fra&from=now-6h`);
      await page.getByRole("button", { name: "Try again" }).waitFor();
    },
  },
  { name: "unknown", open: at("?host=nobody", (page) => page.getByText("There is no host").waitFor()) },
  {
    name: "loading",
    open: async (page, { url }) => {
      await page.routeWebSocket("**/api/live*", () => {}); // a socket that never speaks
      await page.goto(url);
      await page.locator(".skeleton").first().waitFor();
    },
  },
];
