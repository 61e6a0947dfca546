import assert from "node:assert/strict";
import { test } from "node:test";
import { Track } from "../src/chart/track.js";
import { csvOf } from "../src/lib/csv.js";

const track = (samples) => {
  const out = new Track();
  for (const sample of samples) out.add(...sample);
  return out;
};
const WINDOW = { from: 0, to: 100 };

test("a row a moment, and what is missing stays empty", () => {
  const columns = [
    {
      label: "read",
      track: track([
        [1, 5],
        [2, 6],
        [200, 7],
      ]),
    },
    { label: "written", track: track([[2, 0.5]]) },
  ];
  assert.equal(
    csvOf(columns, WINDOW),
    "time,read,written\r\n1970-01-01T00:00:01.000Z,5,\r\n1970-01-01T00:00:02.000Z,6,0.5\r\n",
  );
});

test("where a point stands for many, its lowest and highest stand beside it", () => {
  const text = csvOf([{ label: "CPU", track: track([[1, 5, 1, 9]]) }], WINDOW);
  assert.equal(text, "time,CPU,CPU lowest,CPU highest\r\n1970-01-01T00:00:01.000Z,5,1,9\r\n");
});

test("a host's words are neither a formula nor a new column", () => {
  const head = (label) => csvOf([{ label, track: track([]) }], WINDOW).split("\r\n")[0];
  assert.equal(head("=1+1"), "time,'=1+1");
  assert.equal(head('a,"b"'), 'time,"a,""b"""');
  assert.equal(head("@SUM(A1)"), "time,'@SUM(A1)");
});
