import assert from "node:assert/strict";
import { test } from "node:test";
import { Track } from "../src/chart/track.js";

/** @param {[number, number][]} samples */
function track(samples) {
  const out = new Track();
  for (const [time, value] of samples) out.add(time, value);
  return out;
}
const pairs = (/** @type {Track} */ one) => {
  const { times, values } = one.points();
  return Array.from(times, (time, index) => [time, values[index]]);
};

test("samples are kept in order whatever the order they come in", () => {
  const check = (samples, expected) => assert.deepEqual(pairs(track(samples)), expected);
  check([[1, 1], [2, 2], [3, 3]], [[1, 1], [2, 2], [3, 3]]);
  check([[3, 3], [1, 1], [2, 2]], [[1, 1], [2, 2], [3, 3]]);
  check([[1, 1], [2, 2], [1, 9]], [[1, 9], [2, 2]]);
  check([[1, NaN], [Infinity, 1], [2, 2]], [[2, 2]]);
});

test("a track that slides for a day holds its window and no more room than that", () => {
  const one = new Track();
  for (let second = 0; second < 86_400; second += 1) {
    one.add(second, second * 2);
    if (second % 30 === 0) one.trim(second - 360);
  }
  const { times, values } = one.points();
  assert.equal(times[0], 86_370 - 360);
  assert.equal(times.length, 390);
  assert.ok(values.every((value, index) => value === times[index] * 2));
  assert.ok(times.buffer.byteLength <= 1024 * 8);
});

test("the value at a time is the nearest one, and none in a gap", () => {
  const one = track([[10, 1], [11, 2], [12, 3], [40, 9], [41, 10]]);
  const check = (time, expected) => assert.equal(one.valueAt(time), expected, `${time}`);
  check(10.4, 1);
  check(10.6, 2);
  check(25, null);
  check(39.5, 9);
  check(43, null);
  assert.equal(new Track().valueAt(1), null);
});

test("the gap follows the usual distance, or the server's resolution where that is wider", () => {
  const slow = track([[0, 1], [10, 1], [20, 1], [30, 1]]);
  assert.equal(slow.gap, 25);
  slow.resolution = 60;
  assert.equal(slow.gap, 150);
  assert.equal(track([[0, 1]]).gap, 2.5);
});
