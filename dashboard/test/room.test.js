// What the page says of a server without room.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = /** @type {any} */ ({ baseURI: "http://localhost/" });
const { roomWords } = await import("../src/components/room_banner.js");
const { formatDayMinute, formatMinute } = await import("../src/lib/format.js");

test("the words name the bound, since when, and what to do", () => {
  const since = 1_770_336_300;
  const [disk, room] = roomWords({ since, bound: "disk" }, since + 60);
  assert.equal(disk, `The server’s disk is full: nothing is stored since ${formatMinute(since)}.`);
  assert.match(room, /Make room/);
  const [budget, more] = roomWords({ since, bound: "budget" }, since + 60);
  assert.match(budget, /budget is used up/);
  assert.match(more, /--max-disk/);
  assert.ok(roomWords({ since, bound: "disk" }, since + 3 * 86_400)[0].includes(formatDayMinute(since)));
});
