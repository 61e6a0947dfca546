// Snapshots of processes: kept, put in order, and told in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { culpritsOf } from "../src/explain/programs.js";
import { SnapshotCache } from "../src/processes/cache.js";
import { diskOf, heaviest } from "../src/processes/order.js";

const snapshot = (timestamp, seconds = 10) => ({ timestamp, seconds, total: 9, processes: [] });

test("a snapshot answers for every moment until the next is due", () => {
  const cache = new SnapshotCache();
  cache.put(105, snapshot(100));
  const check = (at, timestamp) => assert.equal(cache.find(at)?.snapshot?.timestamp, timestamp, String(at));
  check(100, 100);
  check(109.9, 100);
  check(110, undefined);
  check(99, undefined);
  cache.put(113, snapshot(110, 0));
  check(119, 110);
  cache.put(135, snapshot(120));
  check(134, 120);
});

test("nothing is nothing for a while, and the oldest are forgotten", () => {
  const cache = new SnapshotCache();
  cache.put(50, null);
  assert.deepEqual([cache.find(55)?.snapshot, cache.find(61), cache.find(49)], [null, null, null]);
  for (let at = 100; at < 100 + 400 * 10; at += 10) cache.put(at, snapshot(at));
  assert.equal(cache.find(105), null);
  assert.notEqual(cache.find(4000), null);
});

const process = (pid, cpu_percent, memory_bytes, read_bytes = null, write_bytes = null) => ({
  ...{ pid, name: `p${pid}`, command: null, user: 0, state: "S", threads: 1 },
  ...{ cpu_percent, memory_bytes, read_bytes, write_bytes },
});

test("processes are sorted by what one wants to know, the unknown last", () => {
  const all = [process(1, 5, 10), process(2, null, 30, 7), process(3, 9, 20, 1, 2)];
  const check = (resource, pids) =>
    assert.deepEqual(
      heaviest(all, resource, 3).map(({ pid }) => pid),
      pids,
    );
  check("cpu", [3, 1, 2]);
  check("memory", [2, 3, 1]);
  check("disk", [2, 3, 1]);
  assert.deepEqual(heaviest(all, "cpu", 1).length, 1);
  assert.deepEqual(all.map(diskOf), [null, 7, 3]);
});

const program = (name, cpu, memory, disk = null, processes = 1) => {
  const of = (value) => value && { mean: value, max: value };
  return {
    name,
    processes,
    snapshots: 1,
    first: 0,
    last: 0,
    cpu_percent: of(cpu),
    memory_bytes: of(memory),
    read_bytes: of(disk),
    write_bytes: null,
  };
};

test("programs that took more than before are told, the farthest first", () => {
  const before = [program("postgres", 10, 1 << 20), program("cron", 1, 1 << 20)];
  const during = [
    program("postgres", 15, 1 << 20),
    program("cc1plus", 60, 2 ** 30, null, 812),
    program("cron", 1.5, 1 << 20),
    program("backup", 0.1, 1 << 20, 5 * 2 ** 20),
  ];
  assert.deepEqual(
    culpritsOf(during, before).map(({ name, words }) => `${name} ${words}`),
    [
      "cc1plus took 60.0% of all cores (none before) and 1.0 GiB of memory (none before), 812 processes.",
      "backup took 5.0 MiB/s to and from disks (none before).",
      "postgres took 15.0% of all cores (10.0% before).",
    ],
  );
  assert.deepEqual(culpritsOf(before, before), []);
});
