import assert from "node:assert/strict";
import { test } from "node:test";
import { settings } from "../src/lib/settings.js";
import {
  describeRange,
  formatDateText,
  lastSeconds,
  lastSecondsWithinReach,
  parseMoment,
  parseRange,
  shortSpan,
  windowOf,
  withinReach,
} from "../src/time_range.js";

test("a moment is read as people and addresses write it", () => {
  const check = (text, expected) => assert.deepEqual(parseMoment(text), expected, text);
  check("now", { ago: 0 });
  check("now-15m", { ago: 900 });
  check(" -2h ", { ago: 7200 });
  check("now-1.5d", { ago: 129_600 });
  check("1763800000", { at: 1_763_800_000 });
  check("2025-11-22T09:00:00Z", { at: Date.UTC(2025, 10, 22, 9) / 1000 });
  check("2025-11-22 09:00", { at: new Date(2025, 10, 22, 9).getTime() / 1000 });
  check("2025-11-22", { at: new Date(2025, 10, 22).getTime() / 1000 });
  for (const text of ["", "soon", "now-5y", "2025-13-45", "5", "now+1h", "<img>"]) check(text, null);
});

test("what is written is read in the zone in which times are shown", () => {
  const at = Date.UTC(2025, 10, 22, 9, 30) / 1000;
  settings.zone = "utc";
  assert.deepEqual(parseMoment("2025-11-22 09:30"), { at });
  assert.deepEqual(parseMoment("2025-11-22"), { at: Date.UTC(2025, 10, 22) / 1000 });
  assert.deepEqual(parseMoment("2025-11-22T10:30+01:00"), { at });
  assert.equal(formatDateText(at), "2025-11-22 09:30:00");
  settings.zone = "local";
  assert.equal(parseMoment(formatDateText(at)).at, at);
});

test("a window that is moved or stretched ends now at the latest, and is one that a link can say", () => {
  const check = (from, to, expected) => assert.deepEqual(withinReach({ from, to }, 1000), expected, `${from} ${to}`);
  check(500, 900, { from: 500, to: 900 });
  check(700, 1200, { from: 500, to: 1000 });
  const day = 86_400;
  const wide = withinReach({ from: 1e9 - 500 * day, to: 1e9 + 100 * day }, 1e9);
  assert.deepEqual(wide, { from: 1e9 - 400 * day, to: 1e9 });
  const past = withinReach({ from: 1e9, to: 1e9 + 500 * day }, 2e9);
  assert.deepEqual(past, { from: 1e9 + 50 * day, to: 1e9 + 450 * day });
  assert.notEqual(parseRange(String(wide.from), String(wide.to)), null);
  assert.deepEqual(lastSecondsWithinReach(600), lastSeconds(600));
  assert.deepEqual(lastSecondsWithinReach(500 * day), lastSeconds(400 * day));
});

test("what is no stretch of time is none", () => {
  const check = (from, to, expected) => assert.deepEqual(parseRange(from, to), expected, `${from} ${to}`);
  check("now-1h", null, lastSeconds(3600));
  check("now-1h", "now-2h", null);
  check("now-1s", "now", null);
  check("now-500d", "now", null);
  check(null, null, null);
});

test("a range that is relative moves with the clock", () => {
  assert.deepEqual(windowOf(lastSeconds(300), 1000), { from: 700, to: 1000 });
  assert.deepEqual(windowOf({ from: { ago: 100 }, to: { at: 950 } }, 1000), { from: 900, to: 950 });
});

test("spans are short in an address and words on the page", () => {
  const check = (seconds, short, long) =>
    assert.deepEqual([shortSpan(seconds), describeRange(lastSeconds(seconds), { from: 0, to: 1 })], [short, long]);
  check(300, "5m", "last 5 minutes");
  check(3600, "1h", "last hour");
  check(86_400, "24h", "last 24 hours");
  check(604_800, "7d", "last 7 days");
  check(2_592_000, "30d", "last 30 days");
  check(90, "90s", "last 1 min 30 s");
});
