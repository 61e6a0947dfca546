import assert from "node:assert/strict";
import { test } from "node:test";
import { BREAK, decimate } from "../src/chart/decimate.js";

const decimated = (times, values, view) =>
  Array.from(
    decimate(Float64Array.from(times), Float64Array.from(values), { from: 0, to: 10, columns: 10, gap: 2.5, ...view }),
  );

test("where each column has one sample all are drawn", () => {
  assert.deepEqual(decimated([0, 1, 2, 3], [5, 6, 7, 8], {}), [0, 1, 2, 3]);
});

test("a gap breaks the line, and a lonely sample stands between two breaks", () => {
  assert.deepEqual(decimated([0, 1, 4, 8, 9], [1, 1, 1, 1, 1], {}), [0, 1, BREAK, 2, BREAK, 3, 4]);
});

test("of a column with many samples first, lowest, highest and last remain, in order", () => {
  const times = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
  assert.deepEqual(decimated(times, [5, 9, 4, 1, 6, 5], {}), [0, 1, 3, 5]);
  assert.deepEqual(decimated(times, [1, 2, 3, 4, 5, 6], {}), [0, 5]);
});

test("what is outside is left out but for one sample on either side, to which the line runs", () => {
  assert.deepEqual(decimated([-3, -2, -1, 5, 6, 12, 13], [0, 0, 0, 0, 0, 0, 0], { gap: 100 }), [2, 3, 4, 5]);
  assert.deepEqual(decimated([], [], {}), []);
});

test("no spike is lost in a day of seconds on a thousand columns", () => {
  const times = Float64Array.from({ length: 86_400 }, (_, index) => index);
  const values = new Float64Array(86_400);
  values[12_345] = 100;
  const chosen = decimate(times, values, { from: 0, to: 86_400, columns: 1000, gap: 2.5 });
  assert.ok(chosen.includes(12_345));
  assert.ok(chosen.length <= 4000, `${chosen.length}`);
});
