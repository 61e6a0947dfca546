import assert from "node:assert/strict";
import { test } from "node:test";
import { explains, farWords, findingsOf, withBefore, wordsOf } from "../src/explain/explain.js";
import { movementOf } from "../src/explain/score.js";
import { groupOf, titleOf } from "../src/series_title.js";

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

/**
 * A span in which each series goes from its usual, with a wobble, to another level, and what is found of it.
 * @param {Record<string, [string, number, number]>} moves unit, before and during, by metric and tags
 */
function foundOf(moves) {
  const all = Object.entries(moves).map(([key, [unit, before, during]]) => {
    const [metric, tags = ""] = key.split(" ");
    const at = (/** @type {number} */ time) => (time < SPAN.from ? before : during) * (1 + 0.01 * (time % 3));
    return { metric, tags, unit, points: points(at) };
  });
  return findingsOf(
    all.filter(({ metric }) => explains(metric)),
    SPAN,
  ).map(({ series: { metric } }) => metric);
}

/** What a machine does beside, whatever it does: counters without an upper edge, silent before. */
const BESIDE = {
  "memory.paged_out_bytes": ["bytes/s", 0, 9e8],
  "memory.page_faults": ["1/s", 40, 90_000],
  "memory.activated_pages": ["1/s", 0, 40_000],
  "network.queue_packets": ["1/s", 1, 9000],
  "tcp.segments_in": ["1/s", 2, 9000],
  "tcp.segments_out": ["1/s", 2, 9000],
  "system.softirq kind=timer": ["1/s", 100, 20_000],
  "system.softirq kind=sched": ["1/s", 100, 20_000],
  "system.context_switches": ["1/s", 300, 80_000],
  "system.forks": ["1/s", 0, 900],
  "processes.total": ["count", 90, 400],
};

test("of two cores that burn the processors are told first, and what the kernel did for it last", () => {
  const found = foundOf({
    ...BESIDE,
    "cpu.total_usage": ["percent", 8, 99],
    "cpu.user": ["percent", 5, 97],
    "cpu.core_usage core=0": ["percent", 8, 100],
    "cpu.core_usage core=1": ["percent", 8, 99],
    "pressure.cpu_some": ["percent", 1, 62],
    "load.avg_1m": ["count", 0.2, 2.4],
    "memory.usage_percent": ["percent", 40, 41],
    "disk.write_bytes device=sda": ["bytes/s", 20_000, 90_000],
  });
  assert.deepEqual(found.slice(0, 2), ["cpu.total_usage", "pressure.cpu_some"]);
  assert.ok(!found.includes("network.queue_packets") && !found.includes("memory.paged_out_bytes"), `${found}`);
});

test("a busier host before does not hide it either", () => {
  const wide = (/** @type {number} */ time) => (time < SPAN.from ? 25 + 9 * (time % 3) : 98);
  const series = (metric, unit, at) => ({ metric, tags: "", unit, points: points(at) });
  const beside = Object.entries(BESIDE).map(([key, [unit, before, during]]) =>
    series(key.split(" ")[0], unit, (time) => (time < SPAN.from ? before : during)),
  );
  const found = findingsOf([...beside, series("cpu.total_usage", "percent", wide)], SPAN);
  assert.ok(found[0].movement.score < 10, "it strays widely, so that it is not far from its usual");
  assert.equal(found[0].series.metric, "cpu.total_usage");
});

test("of a disk full of writes the disk is told first", () => {
  const found = foundOf({
    ...BESIDE,
    "disk.write_bytes device=sda": ["bytes/s", 20_000, 2e8],
    "disk.writes device=sda": ["1/s", 3, 4000],
    "disk.busy_percent device=sda": ["percent", 0.5, 99],
    "disk.write_latency device=sda": ["seconds", 0.001, 0.08],
    "pressure.io_some": ["percent", 0, 70],
    "cpu.total_usage": ["percent", 6, 30],
    "cpu.iowait": ["percent", 0, 60],
    "memory.dirty_bytes": ["bytes", 1e6, 8e8],
  });
  assert.match(found[0], /^disk\./);
  assert.ok(found.indexOf("pressure.io_some") < 3, `${found}`);
});

test("of a leak memory is told first", () => {
  const found = foundOf({
    ...BESIDE,
    "memory.usage_percent": ["percent", 35, 82],
    "memory.anonymous_bytes": ["bytes", 2e9, 6e9],
    "memory.cached_bytes": ["bytes", 3e9, 5e8],
    "cpu.total_usage": ["percent", 6, 25],
    "disk.read_bytes device=sda": ["bytes/s", 20_000, 300_000],
  });
  assert.equal(found[0], "memory.usage_percent");
});

test("among the first six no group speaks more than twice, and what waited comes after them", () => {
  const cores = Array.from({ length: 3 }, (_, core) => [`cpu.core_usage core=${core}`, ["percent", 5, 99]]);
  const found = foundOf({ ...BESIDE, ...Object.fromEntries(cores), "cpu.total_usage": ["percent", 5, 99] });
  const groups = found.slice(0, 6).map(groupOf);
  for (const group of groups) assert.ok(groups.filter((one) => one === group).length <= 2, `${groups}`);
  assert.equal(groups.length, 6);
  assert.ok(found.lastIndexOf("cpu.core_usage") >= 6, "the others are not lost");
});

test("what stayed is told before what passed, and what ran short before what became free", () => {
  const series = (
    /** @type {string} */ metric,
    /** @type {string} */ unit,
    /** @type {(time: number) => number} */ at,
  ) => ({
    metric,
    tags: "",
    unit,
    points: points(at),
  });
  const during = (/** @type {number} */ before, /** @type {number} */ after) => (/** @type {number} */ time) =>
    time < SPAN.from ? before : after;
  const found = findingsOf(
    [
      series("disk.usage_percent", "percent", during(100, 3)),
      series("disk.read_bytes", "bytes/s", (time) => (time === 110 ? 8e7 : 0)),
      series("memory.usage_percent", "percent", during(10, 22)),
    ],
    SPAN,
  );
  assert.deepEqual(
    found.map(({ series: { metric } }) => metric),
    ["memory.usage_percent", "disk.read_bytes", "disk.usage_percent"],
  );
});

test("a single kill for want of memory is told", () => {
  const oom = points((time) => (time === 110 ? 1 : 0));
  const found = findingsOf([{ metric: "memory.oom_kills", tags: "", unit: "1/s", points: oom }], SPAN);
  assert.equal(found.length, 1);
});

test("what is beyond every measure is said so, and not by how much", () => {
  assert.equal(farWords(4.21), "4.2 times its usual variation");
  assert.equal(farWords(5000), "far beyond its usual variation");
});

test("mirrors and counters of time explain nothing", () => {
  const left = ["cpu.idle", "system.uptime_seconds", "memory.available_bytes", "agent.collector_seconds"];
  for (const metric of [...left, "textfile.mtime_seconds", "clock.max_error_seconds"])
    assert.equal(explains(metric), false, metric);
  for (const metric of ["cpu.user", "memory.usage_percent", "app.requests", "disk.usage_percent"])
    assert.equal(explains(metric), true, metric);
});

test("a finding is called as its chart is", () => {
  assert.equal(titleOf({ metric: "cpu.user", tags: "" }), "CPU · CPU by mode: user");
  assert.equal(titleOf({ metric: "cpu.total_usage", tags: "" }), "CPU · All cores");
  assert.equal(titleOf({ metric: "disk.read_bytes", tags: "device=sda" }), "Disks · Throughput: read (sda)");
  assert.equal(titleOf({ metric: "app.requests", tags: "" }), "app.requests");
  assert.deepEqual(withBefore(SPAN), { from: -200, to: 120 });
});
