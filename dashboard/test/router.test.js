import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoute, MOST_COMPARED, parseRoute } from "../src/router.js";

test("a route survives the address", () => {
  const check = (search, route) => {
    assert.deepEqual(parseRoute(search), route);
    assert.equal(formatRoute(route), search);
  };
  check("", { view: "single", host: null, compare: [] });
  check("?host=web-01", { view: "single", host: "web-01", compare: [] });
  check("?view=fleet", { view: "fleet", host: null, compare: [] });
  check("?host=a&view=compare&compare=a&compare=b", { view: "compare", host: "a", compare: ["a", "b"] });
  check("?host=%3Cimg+src%3Dx%3E%26view%3Dfleet", { view: "single", host: "<img src=x>&view=fleet", compare: [] });
});

test("what makes no sense is left out", () => {
  const many = Array.from({ length: 20 }, (_, index) => `compare=h${index}`).join("&");
  assert.equal(parseRoute(`?view=compare&${many}`).compare.length, MOST_COMPARED);
  assert.deepEqual(parseRoute("?view=nonsense&compare=a&compare=a"), { view: "single", host: null, compare: ["a"] });
});
