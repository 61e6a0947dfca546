import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPARED, comparedMetrics } from "../src/compared.js";
import { HostData } from "../src/state.js";
import { chartOfSeries, comparableSeries } from "../src/views/compared_series.js";

const host = (name, ...keys) => {
  const data = new HostData(name);
  data.applySample(100, Object.fromEntries(keys.map((key) => [key, 1])));
  return data;
};
const titles = (hosts) =>
  comparableSeries(hosts).flatMap(({ title, series }) => series.map((one) => `${title}: ${one.key}`));

test("what at least two of the hosts have can be compared, in the groups of a host's page", () => {
  const a = host("a", "disk.usage_percent{mount=/}", "cpu.user", "app.requests", "disk.usage_percent{mount=/srv}");
  const b = host("b", "app.requests", "disk.usage_percent{mount=/}", "cpu.user");
  const c = host("c", "load.avg_1m");
  const both = ["CPU: cpu.user", "Disks: disk.usage_percent{mount=/}", "Other: app.requests"];
  assert.deepEqual(titles([a, b, c]), both);
  assert.deepEqual(titles([c]), ["CPU: load.avg_1m"]);
  assert.deepEqual(titles([]), []);
});

test("a series that was chosen is asked for and drawn instead of the six", () => {
  assert.deepEqual(comparedMetrics({ metric: "disk.usage_percent{mount=/}" }), ["disk.usage_percent"]);
  assert.deepEqual(
    comparedMetrics({}),
    COMPARED.map(({ metric }) => metric),
  );
  const { metric, tags, unit, max } = chartOfSeries("disk.usage_percent{mount=/}", []);
  assert.deepEqual(
    { metric, tags, unit, max },
    { metric: "disk.usage_percent", tags: "mount=/", unit: "percent", max: 100 },
  );
});
