import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatBytes, formatChange, formatDuration, formatValue } from "../src/lib/format.js";

test("values read as people write them", () => {
  const check = (value, unit, expected) => assert.equal(formatValue(value, unit), expected, `${value} ${unit}`);
  check(34.5, "percent", "34.5%");
  check(0, "percent", "0.0%");
  check(1, "load", "1.00");
  check(1.449, "count", "1.45");
  check(12.34, "count", "12.3");
  check(3, "1/s", "3/s");
  check(2.999, "1/s", "3/s");
  check(30.02, "1/s", "30/s");
  check(0, "1/s", "0/s");
  check(123.4, "count", "123");
  check(12_345, "count", "12.3k");
  check(999_999_999, "count", "1000M");
  check(1536, "bytes/s", "1.5 KiB/s");
  check(250.4, "1/s", "250/s");
  check(0.00042, "seconds", "420 µs");
  check(0.0042, "seconds", "4.2 ms");
  check(3.25, "seconds", "3.3 s");
  check(90_061, "seconds", "1 d 1 h");
  check(null, "percent", "–");
  check(NaN, "bytes", "–");
});

test("bytes are IEC", () => {
  const check = (value, expected) => assert.equal(formatBytes(value), expected);
  check(0, "0 B");
  check(1023, "1023 B");
  check(1024, "1.0 KiB");
  check(1023.5, "1024 B");
  check(1023.4 * 2 ** 20, "1023 MiB");
  check(1023.6 * 2 ** 20, "1.0 GiB");
  check(-1023.6 * 2 ** 20, "-1.0 GiB");
  check(2_252_341_248, "2.1 GiB");
  check(107_374_182_400, "100 GiB");
  check(2 ** 80, "1048576 EiB");
});

test("a change has its direction as a shape", () => {
  const check = (difference, unit, expected) => assert.equal(formatChange(difference, unit), expected);
  check(2.3, "percent", "▲ 2.3%");
  check(-1.1, "percent", "▼ 1.1%");
  check(0.01, "percent", "± 0.0%");
  check(50 * 2 ** 20, "bytes", "▲ 50.0 MiB");
});

test("spans of time have at most two parts", () => {
  const check = (seconds, expected) => assert.equal(formatDuration(seconds), expected);
  check(0, "0 s");
  check(59, "59 s");
  check(3600, "1 h");
  check(3661, "1 h 1 min");
  check(98_765, "1 d 3 h");
  check(-5, "0 s");
  assert.deepEqual([5, 119, 300, 7200, 200_000].map(formatAge), ["5 s", "119 s", "5 min", "2 h", "2 d"]);
});
