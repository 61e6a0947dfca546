import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilter } from "../src/fleet/filter.js";
import { HEIGHTS, linesOf, visible } from "../src/fleet/lines.js";
import { formatSort, grouped, parseSort, sorted, tagKeys, WITHOUT } from "../src/fleet/order.js";
import { countTrouble, mountOf, trouble, troublesOf } from "../src/fleet/trouble.js";

const NOW = 1000;
const host = (hostname, cpu, memory, changes = {}) => ({
  hostname,
  first_seen: 0,
  last_seen: NOW,
  tags: {},
  version: "0.5.0",
  platform: "Linux",
  status: "online",
  metrics: { "cpu.total_usage": cpu, "memory.usage_percent": memory, "memory.used_bytes": memory * 2 ** 30 },
  ...changes,
});
const HOSTS = [
  host("web-1", 10, 20, { tags: { role: "web", datacenter: "fra" } }),
  host("web-2", 96, 30, { tags: { role: "web", datacenter: "ams" } }),
  host("db-1", 40, 85, { tags: { role: "db" } }),
  host("old", 5, 5, { status: "offline", last_seen: 100, metrics: undefined }),
];
const names = (hosts) => hosts.map(({ hostname }) => hostname).join(" ");

test("the filter finds by name, tag, status and figures", () => {
  const check = (text, expected) => {
    const { test: keep, problems } = parseFilter(text);
    assert.deepEqual([names(HOSTS.filter((one) => keep(one, NOW))), problems], [expected, []], text);
  };
  check("", "web-1 web-2 db-1 old");
  check("WEB", "web-1 web-2");
  check("role=db", "db-1");
  check("tag:role=web cpu>80", "web-2");
  check("tag:datacenter", "web-1 web-2");
  check("tag:role=w*b -tag:datacenter=ams", "web-1");
  check("status:offline", "old");
  check("-status:offline mem>=30", "web-2 db-1");
  check("used>50GiB", "db-1");
  check("seen>600", "old");
  check("name:*-1 cpu<20%", "web-1");
  check("level:high", "web-2 db-1");
  check('level:"very high"', "web-2");
  check("level:ok status:online", "web-1");
  check('tag:"role=web" "web-2"', "web-2");
  check("tag:role=a*a", "");
});

test("what is not understood is told and does not hide everything", () => {
  const { test: keep, problems } = parseFilter("foo>3 web");
  assert.equal(names(HOSTS.filter((one) => keep(one, NOW))), "web-1 web-2");
  assert.match(problems.join(), /“foo” is no figure/);
});

test("the worst stand first, and those that are well by name", () => {
  const check = (text, expected) => assert.equal(names(sorted(HOSTS, parseSort(text))), expected, text);
  check("worst", "old web-2 db-1 web-1");
  check("name", "db-1 old web-1 web-2");
  check("-name", "web-2 web-1 old db-1");
  check("cpu", "web-2 db-1 web-1 old");
  check("-cpu", "old web-1 db-1 web-2");
  check("nonsense", "old web-2 db-1 web-1");
  check("constructor", "old web-2 db-1 web-1");
  assert.equal(formatSort(parseSort("-cpu")), "-cpu");
});

test("groups are made of a tag or of the status", () => {
  const check = (by, expected) =>
    assert.deepEqual(
      grouped(HOSTS, by, parseSort("name")).map(({ name, hosts }) => [name, hosts.length]),
      expected,
    );
  check(undefined, [["", 4]]);
  check("role", [
    [WITHOUT, 1],
    ["db", 1],
    ["web", 2],
  ]);
  check("status", [
    ["offline", 1],
    ["online", 3],
  ]);
  assert.deepEqual(tagKeys(HOSTS), ["role", "datacenter"]);
});

test("groups stand by their worst host where hosts do, and tell what is wrong in them", () => {
  const check = (text, expected) => {
    const sort = parseSort(text);
    const lines = linesOf(grouped(sorted(HOSTS, sort), "role", sort), 1);
    assert.deepEqual(
      lines.flatMap((line) => (line.kind === "group" ? [`${line.name} ${line.about}`] : [])),
      expected,
    );
  };
  check("worst", [`${WITHOUT} 1 · 1 offline`, "web 2 · 1 high", "db 1 · 1 high"]);
  check("-worst", ["web 2 · 1 high", "db 1 · 1 high", `${WITHOUT} 1 · 1 offline`]);
  check("cpu", [`${WITHOUT} 1 · 1 offline`, "db 1 · 1 high", "web 2 · 1 high"]);
});

const FULL = host("full", 5, 5, {
  metrics: { "cpu.total_usage": 5, "disk.usage_percent{mount=/}": 60, "disk.usage_percent{mount=/var,x=1}": 100 },
});
const LOADED = host("loaded", 5, 5, { cpu_cores: 8, metrics: { "load.avg_1m": 380 } });

test("a full disk and a long queue are trouble", () => {
  const check = (one, words) =>
    assert.deepEqual(
      troublesOf(one).map(({ label, level }) => `${label} ${level}`),
      words,
    );
  check(FULL, ["Disk bad"]);
  check(LOADED, ["Load bad"]);
  check({ ...LOADED, cpu_cores: 128 }, ["Load warn"]);
  check({ ...LOADED, cpu_cores: 380 }, []);
  check({ ...LOADED, cpu_cores: undefined }, []);
  check(host("both", 81, 96), ["Memory bad", "CPU warn"]);
  assert.equal(mountOf("disk.usage_percent{mount=/a\\,b}"), "/a,b");
  const order = [HOSTS[0], LOADED, FULL, HOSTS[1]];
  assert.equal(names(sorted(order, parseSort("worst"))), "full loaded web-2 web-1");
  assert.equal(names(sorted(order, parseSort("disk"))), "full loaded web-1 web-2");
});

test("disks and queues are found by figures", () => {
  const check = (text, expected) => {
    const { test: keep } = parseFilter(text);
    assert.equal(names([...HOSTS, FULL, LOADED].filter((one) => keep(one, NOW))), expected, text);
  };
  check("disk>90", "full");
  check("disk<101", "full");
  check("load>100", "loaded");
  check("load/core>=47.5", "loaded");
  check("level:high -status:offline", "web-2 db-1 full loaded");
});

test("a host whose values no longer move stands between those that are down and those that are high", () => {
  const stale = host("stale", 5, 5, { stale: true });
  const all = [...HOSTS, stale];
  assert.equal(names(sorted(all, parseSort("worst"))), "old stale web-2 db-1 web-1");
  assert.ok(trouble({ ...stale, stale: true, metrics: FULL.metrics }) < trouble(HOSTS[3]));
  assert.equal(names(all.filter((one) => parseFilter("status:stale").test(one, NOW))), "stale");
  assert.equal(names(all.filter((one) => parseFilter("status:online").test(one, NOW))), "web-1 web-2 db-1");
  assert.deepEqual(countTrouble(all), { offline: 1, stale: 1, high: 2 });
});

test("of a thousand hosts only those on screen are lines, and the room of all is kept", () => {
  const many = Array.from({ length: 1000 }, (_, index) => host(`h${index}`, 1, 1));
  const lines = linesOf([{ name: "", hosts: many }], 1);
  const part = visible(lines, HEIGHTS.table, { from: 20_000, to: 20_900 });
  assert.ok(part.end - part.first < 40, JSON.stringify(part));
  assert.ok(part.first * HEIGHTS.table <= 20_000 && part.end * HEIGHTS.table >= 20_900);
  const all = part.above + (part.end - part.first) * HEIGHTS.table + part.below;
  assert.equal(all, 1000 * HEIGHTS.table);
});

test("a grid has lines of several hosts, and each group begins its own", () => {
  const lines = linesOf(
    [
      { name: "a", hosts: HOSTS.slice(0, 3) },
      { name: "b", hosts: HOSTS.slice(3) },
    ],
    2,
  );
  assert.deepEqual(
    lines.map((line) => (line.kind === "group" ? line.name : line.hosts.length)),
    ["a", 2, 1, "b", 1],
  );
});

test("a host that is heard of and has nothing new to say gets no point of now", async () => {
  globalThis.document = /** @type {any} */ ({ baseURI: "http://localhost/" });
  const { Trends } = await import("../src/fleet/trends.js");
  const trends = new Trends(() => {});
  const check = (changes, times) => {
    trends.take({ ...host("a", 5, 5), ...changes });
    assert.deepEqual(Array.from(trends.of("a").points().times), times);
  };
  check({ sampled_at: 880, last_seen: 1000 }, [880]);
  check({ sampled_at: 880, last_seen: 1010 }, [880]);
  check({ sampled_at: 1015, last_seen: 1020 }, [880, 1015]);
  check({ last_seen: 1030 }, [880, 1015, 1030]);
});
