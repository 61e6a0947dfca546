import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/lib/backoff.js";
import { levelOf, levelOfLoad } from "../src/lib/level.js";

test("the wait is spread over the whole range, also at the cap", () => {
  const limits = { base: 1000, cap: 15_000 };
  const check = (attempt, random, expected) =>
    assert.equal(
      backoff(attempt, limits, () => random),
      expected,
    );
  check(0, 1, 1000);
  check(3, 0.5, 4000);
  check(9, 1, 15_000);
  check(9, 0, 0);
  check(5000, 1, 15_000);
});

test("a share is worth a look from four fifths on", () => {
  const levels = [null, 0, 79.9, 80, 94.9, 95, 100].map(levelOf);
  assert.deepEqual(levels, ["ok", "ok", "ok", "warn", "warn", "bad", "bad"]);
  assert.deepEqual([undefined, 1.9, 2, 4].map(levelOfLoad), ["ok", "ok", "warn", "bad"]);
});
