// What the views decide, without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chartsOf, failedSources, idleOf, unavailableOf } from "../src/views/host_charts.js";
import { Chosen } from "../src/views/chosen.js";
import { KeptColours } from "../src/views/kept_colours.js";
import { WindowEdge } from "../src/views/window_edge.js";
import { HostData } from "../src/state.js";

globalThis.document = /** @type {any} */ ({ baseURI: "http://localhost/" });
const { figuresIn, samplesOf } = await import("../src/polling.js");

const data = (values, time = 100) => {
  const one = new HostData("a");
  for (let second = time - 20; second <= time; second += 1) one.applySample(second, values);
  return one;
};

test("a host has the charts of what it sends, and no others", () => {
  const check = (values, keys) =>
    assert.deepEqual(
      chartsOf(data(values), 0).map(({ key }) => key),
      keys,
    );
  check({}, []);
  check({ "app.requests": 5 }, ["metric:app.requests"]);
  check({ "load.avg_1m": 1, "cpu.user": 5 }, ["cpu-modes", "load"]);
  check({ "network.rx_bytes{interface=lo}": 5, "network.rx_bytes{interface=eth0}": 5 }, [
    "network:interface=eth0",
    "network:interface=lo",
  ]);
});

test("what carries nothing is named, not drawn", () => {
  const one = data({
    "network.rx_bytes{interface=eth0}": 5,
    "network.tx_bytes{interface=eth0}": 0,
    "network.rx_bytes{interface=wg0}": 0,
    "disk.read_bytes{device=sda}": 0,
  });
  const charts = chartsOf(one, 0);
  assert.deepEqual(
    charts.map(({ title, lines }) => [title, lines.length]),
    [["Traffic eth0", 2]],
  );
  assert.equal(idleOf(one, 0), "Without traffic: sda, wg0");
});

test("a core that is chosen has the modes of all as a chart of its own", () => {
  const one = data({
    "cpu.user": 50,
    "cpu.core_mode{core=0,mode=user}": 90,
    "cpu.core_mode{core=1,mode=iowait}": 5,
    "cpu.core_mode{core=1,mode=user}": 10,
  });
  const check = (core, titles, labels) => {
    const charts = chartsOf(one, 0, core);
    assert.deepEqual(
      charts.map(({ title }) => title),
      titles,
    );
    assert.deepEqual(
      charts.at(-1).lines.map(({ label, colour }) => [label, colour]),
      labels,
    );
  };
  check(undefined, ["CPU by mode"], [["user", 0]]);
  check("7", ["CPU by mode"], [["user", 0]]);
  check(
    "1",
    ["CPU by mode", "Core 1 by mode"],
    [
      ["user", 0],
      ["iowait", 2],
    ],
  );
});

test("a metric that nobody here knows has a chart in its place", () => {
  const check = (key, group, labels) => {
    const [chart] = chartsOf(data({ [key]: 5 }), 0);
    assert.deepEqual([chart.group, chart.lines.map(({ label }) => label)], [group, labels]);
  };
  check("app.requests", "other", [""]);
  check("network.tcp_retransmits", "network", [""]);
  check("temperature.celsius{chip=k10,sensor=Tctl}", "sensors", ["k10 Tctl"]);
  check("constructor.x", "other", [""]);
});

test("a collector that failed is named", () => {
  const one = data({ "agent.collector_up{collector=disk}": 0, "agent.collector_up{collector=cpu}": 1 });
  assert.deepEqual(failedSources(one), ["disk"]);
  one.info = { hostname: "a", unavailable: { disk: "no block device" } };
  assert.deepEqual(failedSources(one), []);
  assert.equal(unavailableOf(one), "Not collected here. disk: no block device.");
});

test("memory is drawn on the scale of what the host has", () => {
  const [memory] = chartsOf(data({ "memory.used_bytes": 5, "memory.total_bytes": 8 }), 0);
  assert.deepEqual([memory.key, memory.max], ["memory", 8]);
});

test("a host keeps its colour while others come and go", () => {
  const colours = new KeptColours();
  const check = (hosts, expected) => assert.deepEqual(Object.fromEntries(colours.of(hosts)), expected);
  check(["a", "b", "c"], { a: 0, b: 1, c: 2 });
  check(["b", "c"], { b: 1, c: 2 });
  check(["b", "c", "d"], { b: 1, c: 2, d: 0 });
});

test("the window ends at the newest sample and stands still while frozen", () => {
  const edge = new WindowEdge();
  const one = data({ "cpu.total_usage": 1 });
  assert.deepEqual(edge.window([one], false), { from: -200, to: 100 });
  one.applySample(101, { "cpu.total_usage": 1 });
  assert.equal(edge.window([one], true).to, 100);
  assert.equal(edge.window([one], false).to, 101);
});

test("latest values become frames, oldest first", () => {
  const sample = (timestamp, metric_type, tags, value) => ({ timestamp, metric_type, host: "a", tags, value });
  const frames = samplesOf("a", [
    sample(2, "cpu.total_usage", "", 1),
    sample(1, "disk.used_bytes", "mount=/", 5),
    sample(2, "load.avg_1m", "", 3),
  ]);
  assert.deepEqual(frames, [
    { type: "sample", host: "a", timestamp: 1, metrics: { "disk.used_bytes{mount=/}": 5 } },
    { type: "sample", host: "a", timestamp: 2, metrics: { "cpu.total_usage": 1, "load.avg_1m": 3 } },
  ]);
});

test("a chart of many services shows those that weigh most", () => {
  const values = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`service.cpu_percent{service=s${index}}`, index]),
  );
  const [chart] = chartsOf(data(values), 0);
  assert.deepEqual(
    chart.lines.map(({ label }) => label),
    ["s12", "s13", "s14", "s15", "s16", "s17", "s18", "s19"],
  );
});

test("how many of how many are shown is told, and who was chosen stays with its colour for the window", () => {
  const values = (/** @type {(index: number) => number} */ at) =>
    Object.fromEntries(Array.from({ length: 64 }, (_, core) => [`cpu.core_usage{core=${core}}`, at(core)]));
  const one = data(values((core) => core));
  const chosen = new Chosen();
  const shown = (from) => {
    chosen.look({ from, to: from + 300 });
    const [chart] = chartsOf(one, from, undefined, chosen);
    return { of: chart.of, lines: chart.lines.map(({ label, colour }) => `${label} ${colour}`) };
  };
  const first = shown(-200);
  assert.equal(first.of, "8 of 64");
  assert.deepEqual(first.lines, ["56 0", "57 1", "58 2", "59 3", "60 4", "61 5", "62 6", "63 7"]);
  one.applySample(
    101,
    values((core) => (core < 8 ? 100 : 1)),
  );
  assert.deepEqual(shown(-199), first, "another core is busier now");
  assert.deepEqual(shown(101).lines[0], "0 0", "a window that has nothing of the one before chooses anew");
});

test("of many interfaces the busiest have a chart, the others are counted and not called idle", () => {
  const values = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`network.rx_bytes{interface=eth${index}}`, index * 1000]),
  );
  const one = data(values);
  const charts = chartsOf(one, 0);
  assert.deepEqual(
    charts.map(({ title, of }) => `${title}, ${of}`),
    Array.from({ length: 8 }, (_, index) => `Traffic eth${index + 12}, 8 of 19 shown`),
  );
  assert.equal(idleOf(one, 0), "Without traffic: eth0");
});

test("a line keeps its colour when another series of its kind comes or goes", () => {
  const chosen = new Chosen();
  const colours = (values) =>
    chartsOf(data(values), 0, undefined, chosen)[0].lines.map(({ label, colour }) => `${label} ${colour}`);
  assert.deepEqual(colours({ "service.cpu_percent{service=a}": 1, "service.cpu_percent{service=c}": 1 }), [
    "a 0",
    "c 1",
  ]);
  const more = { "service.cpu_percent{service=b}": 1, "service.cpu_percent{service=c}": 1 };
  assert.deepEqual(colours(more), ["b 0", "c 1"]);
});

test("what only tells of trouble has no chart while there is none", () => {
  const check = (value, keys) =>
    assert.deepEqual(
      chartsOf(data({ "memory.oom_kills": value }), 0).map(({ key }) => key),
      keys,
    );
  check(0, []);
  check(0.5, ["oom"]);
});

test("latest values tell of a host what a frame of the fleet would: it as a whole, and disks to be filled", () => {
  const sample = (timestamp, metric_type, tags, value) => ({ timestamp, metric_type, host: "a", tags, value });
  const found = figuresIn([
    sample(5, "cpu.total_usage", "", 1),
    sample(6, "cpu.core_usage", "core=0", 1),
    sample(4, "disk.usage_percent", "mount=/", 50),
    sample(4, "disk.usage_percent", "mount=/image", 100),
    sample(4, "disk.read_only", "mount=/", 0),
    sample(4, "disk.read_only", "mount=/image", 1),
  ]);
  const metrics = { "cpu.total_usage": 1, "disk.usage_percent{mount=/}": 50 };
  assert.deepEqual(found, { metrics, sampled_at: 5 });
  assert.equal(figuresIn([]).sampled_at, undefined);
});
