// Debian's Chromium, and pages that write down whatever goes wrong in them.

import { chromium } from "playwright-core";

export const PATH = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Nothing but the page under test may be asked for. */
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () => chromium.launch({ executablePath: PATH, headless: true, args: FLAGS });

/**
 * @param {import("playwright-core").Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = {
    /** @type {string[]} */ errors: [],
    /** @type {string[]} */ addresses: [],
    /** @type {string[]} */ dialogs: [],
  };
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => seen.addresses.push(request.url()));
  page.on("websocket", (socket) => seen.addresses.push(socket.url()));
  page.on("dialog", (dialog) => {
    seen.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return { page, seen, close: () => context.close() };
}

/**
 * The card of a figure on the single host's page.
 * @param {import("playwright-core").Page} page
 * @param {string} label
 */
export const card = (page, label) => page.locator(`.card[aria-label="${label}"] .card-value`);

/**
 * The host on screen has its figures and its history: the figures alone come before it.
 * @param {import("playwright-core").Page} page
 */
export const hasValues = (page) =>
  page.waitForFunction(
    () =>
      /\d/.test(document.querySelector(".figure .card-value")?.textContent ?? "") &&
      document.querySelector(".host[aria-busy]") === null,
    null,
    { polling: 20, timeout: 20_000 },
  );
