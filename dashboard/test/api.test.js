import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = /** @type {any} */ ({ baseURI: "https://watch.example/sysmon/?host=a#x" });
const api = await import("../src/api.js");

/** @param {{ status?: number, body?: unknown }} answer @param {() => Promise<unknown>} call */
async function asked({ status = 200, body = {} }, call) {
  const urls = [];
  globalThis.fetch = /** @type {any} */ (
    async (url) => {
      urls.push(String(url));
      return new Response(JSON.stringify(body), { status });
    }
  );
  const result = await call().catch((error) => error);
  return { url: urls[0], result };
}

test("requests stay below the path of the page", async () => {
  const check = async (call, expected) => assert.equal((await asked({}, call)).url, expected);
  await check(() => api.getHosts(), "https://watch.example/sysmon/api/hosts");
  await check(() => api.getLatest("a&b=c/../x"), "https://watch.example/sysmon/api/latest?host=a%26b%3Dc%2F..%2Fx");
  await check(
    () => api.getHistory({ host: "a", metrics: ["x", "y"], from: 5 }),
    "https://watch.example/sysmon/api/history?host=a&metric=x&metric=y&tags=*&from=5&points=1000",
  );
  assert.equal(api.serverAddress(), "https://watch.example/sysmon");
});

test("the socket follows the page's scheme", () => {
  globalThis.WebSocket = /** @type {any} */ (
    class {
      /** @param {URL} url */
      constructor(url) {
        this.url = String(url);
      }
    }
  );
  assert.equal(api.openLive([]).url, "wss://watch.example/sysmon/api/live");
  assert.equal(api.openLive(["a", "b c"]).url, "wss://watch.example/sysmon/api/live?host=a&host=b+c");
});

test("history is a list, whichever of its two forms it came in", async () => {
  const one = { metric: "x", points: [] };
  const call = () => api.getHistory({ host: "a", metrics: ["x"], from: 0 });
  assert.deepEqual((await asked({ body: one }, call)).result, [one]);
  assert.deepEqual((await asked({ body: { series: [one, one] } }, call)).result, [one, one]);
});

test("more metrics than the server takes at once are asked for in parts", async () => {
  const counts = [];
  globalThis.fetch = /** @type {any} */ (
    async (url) => {
      counts.push(new URL(url).searchParams.getAll("metric").length);
      return new Response(JSON.stringify({ series: [{ metric: "x", points: [] }] }));
    }
  );
  const metrics = Array.from({ length: 130 }, (_, index) => `m${index}`);
  const series = await api.getHistory({ host: "a", metrics, from: 0 });
  assert.deepEqual([counts, series.length], [[60, 60, 10], 3]);
});

test("a refusal says which and why", async () => {
  const { result } = await asked({ status: 404, body: { code: "unknown_host", detail: "no host `x`" } }, () =>
    api.getLatest("x"),
  );
  assert.deepEqual(
    [result instanceof api.ApiError, result.status, result.code, result.message],
    [true, 404, "unknown_host", "no host `x`"],
  );
});
