// "What moved?" on real trouble: recorded by bench/record_trouble.js, which says what was done.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { explains, findingsOf, withBefore } from "../src/explain/explain.js";
import { culpritsOf } from "../src/explain/programs.js";

const FOLDER = new URL("recorded/", import.meta.url);
const MOST_BYTES = 200_000;
/** What bench/record_trouble.js makes. */
const RECORDED = ["cpu.json.gz", "disk.json.gz", "memory.json.gz", "network.json.gz"];
const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json.gz"));

test("there is a recording of each of these, small enough to be kept", () => {
  assert.deepEqual(files.toSorted(), RECORDED);
  for (const name of files) assert.ok(readFileSync(new URL(name, FOLDER)).length < MOST_BYTES, name);
});

for (const name of files)
  test(`of recorded trouble its resource is told first, and its program is named: ${name}`, () => {
    const { resource, culprit, span, series, during, before } = JSON.parse(
      String(gunzipSync(readFileSync(new URL(name, FOLDER)))),
    );
    const { from } = withBefore(span);
    for (const { metric, points } of series) {
      assert.ok(explains(metric), metric);
      assert.ok(points[0][0] >= from - 1 && points.at(-1)[0] <= span.to + 1, `${metric} is of the span and before it`);
    }
    const [first] = findingsOf(series, span);
    assert.match(first?.series.metric ?? "nothing", new RegExp(resource));
    const named = culpritsOf(during, before).map((one) => one.name);
    assert.ok(named.includes(culprit), `${culprit} of ${named}`);
  });
