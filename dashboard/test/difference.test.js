import assert from "node:assert/strict";
import { test } from "node:test";
import { difference } from "../src/chart/difference.js";
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
