import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoute, parseRoute } from "../src/router.js";
import { lastSeconds, LIVE } from "../src/time_range.js";

const PLAIN = { view: null, host: null, compare: [], range: LIVE, words: {} };

test("a route survives the address", () => {
  const check = (search, changes) => {
    const route = { ...PLAIN, ...changes };
    assert.deepEqual(parseRoute(search), route);
    assert.equal(formatRoute(route), search);
  };
  check("", {});
  check("?host=web-01", { host: "web-01" });
  check("?view=fleet", { view: "fleet" });
  check("?view=single", { view: "single" });
  check("?host=a", { host: "a" });
  check("?host=a&view=compare&compare=a&compare=b", { view: "compare", host: "a", compare: ["a", "b"] });
  check("?host=%3Cimg+src%3Dx%3E%26view%3Dfleet", { host: "<img src=x>&view=fleet" });
  check("?view=compare&compare=a&metric=disk.usage_percent%7Bmount%3D%2F%7D", {
    view: "compare",
    compare: ["a"],
    words: { metric: "disk.usage_percent{mount=/}" },
  });
  check("?from=now-6h&to=now", { range: lastSeconds(21_600) });
  check("?from=1763800000&to=1763800060.5", { range: { from: { at: 1_763_800_000 }, to: { at: 1_763_800_060.5 } } });
  check("?view=fleet&q=tag%3Arole%3Dweb+cpu%3E80&sort=worst", {
    view: "fleet",
    words: { q: "tag:role=web cpu>80", sort: "worst" },
  });
});

test("what makes no sense is left out", () => {
  const many = Array.from({ length: 20 }, (_, index) => `compare=h${index}`).join("&");
  assert.equal(parseRoute(`?view=compare&${many}`).compare.length, 20, "the page says which are too many");
  assert.equal(parseRoute(`?${"compare=a&".repeat(9)}${many}&${many.replaceAll("h", "g")}`).compare.length, 32);
  assert.deepEqual(parseRoute("?view=nonsense&compare=a&compare=a"), { ...PLAIN, compare: ["a"] });
  assert.deepEqual(parseRoute("?from=5&to=9"), PLAIN);
  assert.deepEqual(parseRoute("?from=now&to=now-1h&q="), PLAIN);
});
