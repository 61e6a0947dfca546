import assert from "node:assert/strict";
import { test } from "node:test";
import { timeTicks, valueScale } from "../src/chart/scale.js";

test("axes end at round figures", () => {
  const check = (max, count, binary, ticks) => assert.deepEqual(valueScale(max, count, binary).ticks, ticks);
  check(100, 4, false, [0, 25, 50, 75, 100]);
  check(7.3, 4, false, [0, 2, 4, 6, 8]);
  check(1.04, 4, false, [0, 0.5, 1, 1.5]);
  check(3000, 4, true, [0, 1024, 2048, 3072]);
  check(8 * 2 ** 30, 4, true, [0, 2, 4, 6, 8].map((count) => count * 2 ** 30));
});

test("the top is never below the highest value, and nothing is no error", () => {
  for (const max of [0, 1e-9, 0.07, 1, 99.999, 100.001, 12_345, 2 ** 41]) {
    for (const binary of [false, true]) {
      const { top, ticks } = valueScale(max, 5, binary);
      assert.ok(top >= max && Number.isFinite(top) && ticks.length >= 2 && ticks.length <= 7, `${max} ${binary}: ${ticks}`);
    }
  }
});

test("times are round and not too many", () => {
  assert.deepEqual(timeTicks(1000, 1300, 5), [1020, 1080, 1140, 1200, 1260]);
  assert.deepEqual(timeTicks(1000, 1300, 3), [1080, 1200]);
  for (const count of [1, 2, 8, 20]) assert.ok(timeTicks(1_700_000_123, 1_700_000_423, count).length <= count + 1);
});
