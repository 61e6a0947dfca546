import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../src/chart/difference.js";
import { moved } from "../src/chart/moved.js";
import { Track } from "../src/chart/track.js";

const track = (samples) => {
  const out = new Track();
  for (const [time, value] of samples) out.add(time, value);
  return out;
};

test("the difference is taken at moments that both have, or nearly", () => {
  const reference = track([
    [0, 1],
    [1.2, 2],
    [2, 3],
  ]);
  const { times, values } = difference(
    track([
      [0, 5],
      [1, 5],
      [2, 5],
      [60, 5],
    ]),
    reference,
  ).points();
  assert.deepEqual(
    [Array.from(times), Array.from(values)],
    [
      [0, 1, 2],
      [4, 3, 2],
    ],
  );
});

test("it is made again where one of the two has grown, and only then", () => {
  const [one, other] = [track([[0, 5]]), track([[0, 1]])];
  const first = difference(one, other);
  assert.equal(difference(one, other), first);
  other.add(1, 1);
  assert.notEqual(difference(one, other), first);
});

test("a series of a clock that is off stands where it belongs, with its band, and is made again as it grows", () => {
  const one = new Track();
  one.add(10, 5, 4, 6);
  assert.equal(moved(one, 0), one);
  const first = moved(one, 600);
  const { times, values, lows, highs } = first.points();
  assert.deepEqual([times[0], values[0], lows[0], highs[0]], [610, 5, 4, 6]);
  assert.equal(moved(one, 600), first);
  assert.equal(moved(one, -540).lastTime, -530);
  one.add(11, 7);
  assert.equal(moved(one, 600).lastTime, 611);
  assert.equal(one.lastTime, 11);
});
