import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatClock, formatWithin } from "../src/lib/format.js";
import { changeSettings, settingsChanged } from "../src/lib/settings.js";

test("bytes are written as the reader wants them", () => {
  const check = (bytes, iec, si) => {
    for (const [choice, expected] of Object.entries({ iec, si })) {
      changeSettings({ bytes: choice });
      assert.equal(formatBytes(bytes), expected);
    }
  };
  check(0, "0 B", "0 B");
  check(999, "999 B", "999 B");
  check(1000, "1000 B", "1.0 kB");
  check(1024, "1.0 KiB", "1.0 kB");
  check(8 * 2 ** 30, "8.0 GiB", "8.6 GB");
  check(-2048, "-2.0 KiB", "-2.0 kB");
  changeSettings({ bytes: "iec" });
});

test("times are of the zone that the reader wants, and who shows them is told", () => {
  let told = 0;
  const ending = settingsChanged.listen(() => (told += 1));
  changeSettings({ zone: "utc" });
  assert.equal(formatClock(1_763_800_000), "08:26:40");
  assert.match(formatWithin(1_763_800_000, 7 * 86_400), /22.*08:26/);
  changeSettings({ zone: "local" });
  ending();
  assert.equal(told, 2);
});
