// A server whose disk is full says so on the page, until there is room again.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { launch, openPage } from "./browser.js";
import { eventually } from "./eventually.js";
import { Sysmond } from "./sysmond.js";

const WITHIN_MS = 60_000;

test("a full disk is told for as long as it is full", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "sysmon-e2e-full-"));
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", folder], { encoding: "utf8" });
  if (mount.status !== 0) {
    context.skip(`no small file system can be mounted here: ${mount.error ?? mount.stderr}`);
    return;
  }
  const sysmond = new Sysmond(folder, ["aggregator"]);
  const browser = await launch();
  try {
    await sysmond.run();
    const push = async () => {
      const sample = { timestamp: Math.floor(Date.now() / 1000), metric_type: "cpu.total_usage", tags: "", value: 5 };
      return (await sysmond.push({ hostname: "web", metrics: [sample] })).status;
    };
    assert.equal(await push(), 200);
    const { page, seen, close } = await openPage(browser);
    await page.goto(sysmond.url);
    await page.locator(".host-name").waitFor();
    const banner = page.locator(".room-banner");
    assert.equal(await banner.isVisible(), false);

    const { bavail, bsize } = await statfs(folder);
    await writeFile(join(folder, "filler"), Buffer.alloc(bavail * bsize, 1));
    assert.equal(await push(), 507);
    await eventually("the page says why", () => banner.isVisible(), WITHIN_MS);
    assert.match((await banner.textContent()) ?? "", /disk is full: nothing is stored since .*\d\d:\d\d.*Make room/);

    await rm(join(folder, "filler"));
    assert.equal(await push(), 200);
    await eventually("there is room again", async () => !(await banner.isVisible()), WITHIN_MS);
    assert.deepEqual(seen.errors, []);
    await close();
  } finally {
    await browser.close();
    await sysmond.kill("SIGTERM");
    spawnSync("umount", ["-l", folder]);
    await rm(folder, { recursive: true, force: true });
  }
});
