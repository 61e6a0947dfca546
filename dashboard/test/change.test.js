import assert from "node:assert/strict";
import { test } from "node:test";
import { Track } from "../src/chart/track.js";
import { changeOf } from "../src/lib/change.js";
import { summarise } from "../src/chart/summary.js";
import { stack } from "../src/chart/stack.js";

/** @param {number} seconds @param {(second: number) => number} value */
function track(seconds, value) {
  const out = new Track();
  for (let second = 1; second <= seconds; second += 1) out.add(second, value(second));
  return out;
}

test("the change is against the mean around a minute ago", () => {
  const check = (one, expected) => assert.deepEqual(changeOf(one), expected);
  check(
    track(300, (second) => second),
    { difference: 60, seconds: 60 },
  );
  check(
    track(300, (second) => (second === 300 ? 50 : second % 2 === 0 ? 30 : 10)),
    { difference: 50 - (30 * 5 + 10 * 6) / 11, seconds: 60 },
  );
});

test("what began lately is compared with its begin, and what has just begun with nothing", () => {
  assert.deepEqual(changeOf(track(31, (second) => second)), { difference: 30, seconds: 30 });
  assert.equal(changeOf(track(3, (second) => second)), null);
  assert.equal(changeOf(new Track()), null);
});

test("a chart is told in words", () => {
  const series = [
    { label: "CPU", track: track(300, (second) => second / 3) },
    { label: "Memory", track: new Track() },
  ];
  assert.equal(
    summarise("Trends", "last 5 minutes", "percent", series, { from: 3, to: 1000 }),
    "Trends, last 5 minutes. CPU now 100.0%, lowest 1.0%, highest 100.0%. Memory: no data.",
  );
  assert.equal(
    summarise("Trends", "earlier", "percent", series, { from: -60, to: 0 }),
    "Trends, earlier. CPU: no data. Memory: no data.",
    "what is newer than the window is not said to be in it",
  );
  const [{ track: cpu }] = series;
  assert.equal(
    summarise("Disk", "Nov 22", "percent", [{ label: "", track: cpu }], { from: 3, to: 30 }, true),
    "Disk, Nov 22. At the end 10.0%, lowest 1.0%, highest 10.0%.",
    "what is past is not said to be now",
  );
});

test("stacked series are running sums, whatever is missing in between", () => {
  const second = new Track();
  second.add(2, 10);
  const sums = stack([track(3, () => 1), second, track(3, () => 100)]).map((one) => Array.from(one.points().values));
  assert.deepEqual(sums, [
    [1, 1, 1],
    [1, 11, 1],
    [101, 111, 101],
  ]);
});

test("a stack's top has the band of the sum, no higher than it surely was", () => {
  const banded = (points) => {
    const one = new Track();
    for (const point of points) one.add(...point);
    return one;
  };
  const user = banded([
    [0, 10, 2, 90],
    [1, 10, 10, 10],
  ]);
  const system = banded([
    [0, 5, 4, 60],
    [1, 5, 5, 5],
  ]);
  const [below, top] = stack([user, system]);
  const { values, lows, highs } = top.points();
  assert.equal(below.banded, false);
  assert.deepEqual([...values], [15, 15]);
  assert.deepEqual([...highs], [94, 15], "90 of the one came with 4 of the other at least");
  assert.deepEqual([...lows], [15, 15]);
  assert.equal(stack([track(3, () => 1)])[0].banded, false);
});

test("what a chart says of its highest is what a spike reached", () => {
  const one = new Track();
  one.add(0, 10, 1, 95);
  const text = summarise("CPU", "last hour", "percent", [{ label: "", track: one }], { from: 0, to: 1 });
  assert.equal(text, "CPU, last hour. Now 10.0%, lowest 1.0%, highest 95.0%.");
});
