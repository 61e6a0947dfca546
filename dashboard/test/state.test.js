import assert from "node:assert/strict";
import { test } from "node:test";
import { HostClock } from "../src/lib/host_clock.js";
import { Fleet, HostCache, HostData } from "../src/state.js";

const host = (hostname, more = {}) => ({
  hostname,
  first_seen: 1,
  last_seen: 2,
  tags: {},
  version: "1",
  platform: "Linux",
  status: "online",
  ...more,
});
const summary = {
  total_hosts: 1,
  online_hosts: 1,
  offline_hosts: 0,
  avg_cpu_usage: 1,
  total_memory_used: 1,
  timestamp: 1000,
};
const fleet = (hosts) => ({ type: "fleet", summary, hosts });
const history = (metric, points, more = {}) => ({
  host: "a",
  metric,
  tags: "",
  unit: "percent",
  resolution_seconds: 1,
  from: 0,
  to: 0,
  points: points.map(([at, value]) => [at, value, value, value]),
  ...more,
});

test("a full frame replaces the fleet, another one changes it", () => {
  const one = new Fleet();
  one.apply(fleet([host("b10"), host("b2"), host("a")]), true);
  assert.deepEqual(one.names, ["a", "b2", "b10"]);
  one.apply({ ...fleet([host("a", { status: "offline" })]), summary: { ...summary, total_hosts: 3 } }, false);
  assert.deepEqual([one.names.length, one.hosts.get("a")?.status], [3, "offline"]);
  one.apply(fleet([host("c")]), true);
  assert.deepEqual(one.names, ["c"]);
});

test("a host that is no more goes with a frame that has all others", () => {
  const one = new Fleet();
  one.apply(fleet([host("a"), host("b"), host("c")]), true);
  one.apply({ ...fleet([host("a")]), summary: { ...summary, total_hosts: 3 } }, false);
  assert.deepEqual(one.names, ["a", "b", "c"]);
  one.apply({ ...fleet([host("a"), host("c")]), summary: { ...summary, total_hosts: 2 } }, false);
  assert.deepEqual([one.names, one.hosts.has("b")], [["a", "c"], false]);
});

test("when the server last stored anything is known by the values that moved", () => {
  const one = new Fleet();
  assert.equal(one.storedAt, -Infinity);
  one.apply(fleet([host("a", { last_seen: 990 }), host("b", { last_seen: 980 })]), true);
  one.apply(fleet([host("b", { last_seen: 980, status: "offline" })]), false);
  assert.equal(one.storedAt, 990);
  one.apply(fleet([host("b", { last_seen: 995 })]), false);
  assert.equal(one.storedAt, 995);
});

test("figures that a frame leaves out stay", () => {
  const one = new Fleet();
  one.apply(fleet([host("a", { metrics: { "cpu.total_usage": 5 } })]), true);
  one.apply(fleet([host("a")]), false);
  assert.equal(one.hosts.get("a")?.metrics?.["cpu.total_usage"], 5);
});

test("history and samples come together by their times", () => {
  const data = new HostData("a");
  data.applySample(12, { "cpu.total_usage": 3 });
  data.applyHistory(
    [
      history("cpu.total_usage", [
        [10, 1],
        [11, 2],
        [12, 3],
      ]),
    ],
    12,
  );
  data.applySample(13, { "cpu.total_usage": 4, "disk.usage_percent{mount=/}": 71 });
  data.applyHistory([history("cpu.total_usage", [[12.5, 3.5]])], 14);
  assert.deepEqual(Array.from(data.find("cpu.total_usage").track.points().values), [1, 2, 3, 3.5, 4]);
  assert.equal(data.newest, 13);
  assert.equal(data.current("disk.usage_percent", "mount=/"), 71);
  assert.equal(data.family("disk.usage_percent")[0].labels.get("mount"), "/");
});

test("a series that fell silent has no value of now, and goes when the window has passed", () => {
  const data = new HostData("a");
  data.applySample(100, { "network.rx_bytes{interface=eth1}": 5, "cpu.total_usage": 1 });
  for (let second = 101; second < 130; second += 1) data.applySample(second, { "cpu.total_usage": 1 });
  assert.equal(data.current("network.rx_bytes", "interface=eth1"), null);
  assert.ok(data.find("network.rx_bytes", "interface=eth1"));
  for (let second = 130; second < 600; second += 1) data.applySample(second, { "cpu.total_usage": 1 });
  assert.equal(data.find("network.rx_bytes", "interface=eth1"), undefined);
});

test("a host whose newest sample is old is old from the start", () => {
  const data = new HostData("a");
  assert.equal(data.age, Infinity);
  data.applyHistory([history("cpu.total_usage", [[100, 1]])], 160);
  assert.ok(Math.abs(data.age - 60) < 1, `${data.age}`);
  data.applySample(161, { "cpu.total_usage": 1 });
  assert.ok(data.age < 1);
});

test("a host whose clock is wrong is not old: when its samples came is known", () => {
  const data = new HostData("a");
  data.applyHistory([history("cpu.total_usage", [[100, 1]])], 705, 700);
  assert.ok(Math.abs(data.age - 5) < 1, `${data.age}`);
  assert.equal(data.stale, false);
});

test("how far a host's clock is off is told once it is the same each time", () => {
  const check = (pairs, expected) => {
    const clock = new HostClock();
    for (const [sampled, arrived] of pairs) clock.note(sampled, arrived);
    assert.equal(clock.behind, expected, JSON.stringify(pairs));
  };
  check([[100, 700]], 0);
  check(
    [
      [100, 700],
      [101, 702],
      [102, 702.4],
    ],
    600, // the quickest that came
  );
  check(
    [
      [1000, 460],
      [1001, 461],
    ],
    -540,
  );
  check(
    [
      [100, 112],
      [110, 121],
    ],
    0,
  );
  check(
    [
      [100, 700],
      [400, 701],
      [690, 702],
    ],
    0, // a backlog that is delivered
  );
});

test("of hosts that nobody looks at any more the longest forgotten goes", () => {
  const cache = new HostCache();
  for (let index = 0; index < 20; index += 1) {
    cache.get(`h${index}`);
    cache.get("h0");
  }
  assert.deepEqual([cache.has("h0"), cache.has("h1"), cache.has("h19")], [true, false, true]);
});

test("a host is stale once its values no longer move, whatever its clock says", () => {
  const one = new Fleet();
  const METRICS = { "cpu.total_usage": 5 };
  const frame = (timestamp, last_seen, sampled_at) => {
    const changed = last_seen === undefined ? [] : [host("a", { last_seen, sampled_at, metrics: METRICS })];
    one.apply({ ...fleet(changed), summary: { ...summary, timestamp } }, timestamp === 1000);
    return one.hosts.get("a").stale;
  };
  const check = (stale, ...times) => assert.equal(frame(...times), stale, times.join(" "));
  check(false, 1000, 1000, 40); // its clock is wrong, or it has been silent: nobody knows yet
  check(false, 1010, 1010, 50);
  check(false, 1030, 1030, 50); // heard of, and nothing new
  check(true, 1031);
  assert.deepEqual(one.counts, { offline: 0, stale: 1, high: 0 });
  check(false, 1040, 1040, 70);
  check(false, 1100); // it has been seen to take thirty seconds
  check(true, 1101);
});

test("who was not heard of for longer than a push takes is stale at once", () => {
  const one = new Fleet();
  one.apply({ ...fleet([host("a", { last_seen: 940, metrics: {} })]), summary }, true);
  assert.equal(one.hosts.get("a").stale, true);
});

test("what an answer leaves out of a host stays as it was", () => {
  const one = new Fleet();
  one.apply(fleet([host("a", { cpu_cores: 8, metrics: { "load.avg_1m": 380 }, last_seen: 1000 })]), true);
  one.apply(fleet([host("a", { last_seen: 1001 })]), true);
  assert.deepEqual(one.counts, { offline: 0, stale: 0, high: 1 });
});
