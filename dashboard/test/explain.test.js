import assert from "node:assert/strict";
import { test } from "node:test";
import { explains, findingsOf, titleOf, withBefore, wordsOf } from "../src/explain/explain.js";
import { movementOf } from "../src/explain/score.js";

const SPAN = { from: 100, to: 120 };
/** @param {(time: number) => number} at */
const points = (at) => Array.from({ length: 121 }, (_, time) => [time, at(time), at(time), at(time)]);
const wobble = (time) => 10 + (time % 3);

test("what moved is far from its usual, and what wobbles is not", () => {
  const check = (at, unit, low, high) => {
    const { score } = movementOf(points(at), SPAN, unit);
    assert.ok(score >= low && score <= high, `${score}`);
  };
  check(wobble, "percent", 0, 1);
  check((time) => (time < 100 ? wobble(time) : 80), "percent", 30, 100);
  check((time) => (time < 100 ? wobble(time) : 12.5), "percent", 0.5, 3);
  check(() => 5, "percent", 0, 0);
  check((time) => (time < 100 ? 0 : 0.5), "percent", 0, 1);
  check((time) => (time < 100 ? (time === 50 ? 1000 : 0) : 50), "percent", 40, 60);
});

test("a spike is told as one, and a fall as a fall", () => {
  const words = (at) => wordsOf({ series: { unit: "percent" }, movement: movementOf(points(at), SPAN, "percent") });
  assert.equal(
    words((time) => (time === 110 ? 90 : wobble(time))),
    "Peaked at 90.0%; usually 11.0%.",
  );
  assert.equal(
    words((time) => (time < 100 ? 50 : 5)),
    "Fell from 50.0% to 5.0%.",
  );
  assert.equal(
    words((time) => (time < 100 ? 5 : 50)),
    "Rose from 5.0% to 50.0%.",
  );
});

test("too little before says nothing", () => {
  assert.equal(movementOf([[110, 1, 1, 1]], SPAN, "percent"), null);
  assert.equal(movementOf(points(wobble).slice(0, 90), SPAN, "percent"), null);
});

test("the farthest stands first, and of one metric only a few", () => {
  const series = (metric, tags, level) => ({
    metric,
    tags,
    unit: "percent",
    points: points((time) => (time < 100 ? wobble(time) : level)),
  });
  const cores = Array.from({ length: 8 }, (_, core) => series("cpu.core_usage", `core=${core}`, 50 + core));
  const found = findingsOf([...cores, series("cpu.user", "", 95), series("cpu.irq", "", 11)], SPAN);
  assert.deepEqual(
    found.map(({ series: { metric, tags } }) => `${metric} ${tags}`),
    ["cpu.user ", "cpu.core_usage core=7", "cpu.core_usage core=6", "cpu.core_usage core=5"],
  );
});

test("mirrors and counters of time explain nothing", () => {
  for (const metric of ["cpu.idle", "system.uptime_seconds", "memory.available_bytes", "agent.collector_seconds"])
    assert.equal(explains(metric), false, metric);
  for (const metric of ["cpu.user", "memory.usage_percent", "app.requests", "disk.usage_percent"])
    assert.equal(explains(metric), true, metric);
});

test("a finding is called as its chart is", () => {
  assert.equal(titleOf({ metric: "cpu.user", tags: "" }), "CPU · CPU by mode: user");
  assert.equal(titleOf({ metric: "disk.read_bytes", tags: "device=sda" }), "Disks · Throughput: read (sda)");
  assert.equal(titleOf({ metric: "app.requests", tags: "" }), "app.requests");
  assert.deepEqual(withBefore(SPAN), { from: -200, to: 120 });
});
