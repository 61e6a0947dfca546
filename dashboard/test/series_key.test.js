import assert from "node:assert/strict";
import { test } from "node:test";
import { naturally, seriesKey, splitKey, splitTags } from "../src/lib/series_key.js";

test("a key is taken apart and put together again", () => {
  const check = (key, metric, tags) => {
    assert.deepEqual(splitKey(key), { metric, tags });
    assert.equal(seriesKey(metric, tags), key);
  };
  check("cpu.total_usage", "cpu.total_usage", "");
  check("disk.usage_percent{mount=/}", "disk.usage_percent", "mount=/");
  check("x{a={b},c=}}", "x", "a={b},c=}");
});

test("tags are unescaped", () => {
  const check = (tags, expected) => assert.deepEqual(Object.fromEntries(splitTags(tags)), expected);
  check("", {});
  check("core=0,node=1", { core: "0", node: "1" });
  check("mount=/a\\,b\\=c\\\\d", { mount: "/a,b=c\\d" });
  check("a=x=y", { a: "x=y" });
  check("broken", {});
});

test("numbers in names are ordered as numbers", () => {
  assert.deepEqual(["eth10", "eth2", "eth1"].sort(naturally), ["eth1", "eth2", "eth10"]);
});
