// Two fingers and the time between them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pinched } from "../src/chart/pinch.js";

const PLOT = { left: 100, width: 400 };
/** A window from 0 to 400 s: a pixel a second. */
const FINGERS = [
  { id: 1, time: 100 },
  { id: 2, time: 300 },
];

test("the times below two fingers stay below them", () => {
  const check = (places, expected) => assert.deepEqual(pinched(PLOT, FINGERS, places), expected);
  check([200, 400], { from: 0, to: 400 });
  check([100, 500], { from: 100, to: 300 });
  check([250, 350], { from: -200, to: 600 });
  check([300, 500], { from: -100, to: 300 });
});

test("fingers that meet, cross or were lifted tell no time", () => {
  for (const places of [
    [300, 310],
    [400, 200],
    [NaN, 300],
    [300, undefined],
  ])
    assert.equal(pinched(PLOT, FINGERS, places), null, String(places));
  assert.equal(pinched(PLOT, [FINGERS[0], FINGERS[0]], [200, 400]), null);
});
