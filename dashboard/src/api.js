// The server's API: the only place that knows its addresses. All are relative to the page, which may be served below a
// path.

const PAGE = new URL("./", document.baseURI);
const TIMEOUT_MS = 8000;
/** Five minutes of a host that samples each second, with room. */
const DEFAULT_POINTS = 1000;
/** The server answers for so many metrics in one question. */
const MOST_METRICS = 60;

export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} detail
   */
  constructor(status, code, detail) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

export const serverAddress = () => PAGE.href.replace(/\/$/, "");

/** @type {typeof import("./api.js").getSummary} */
export const getSummary = (signal) => getJson("api/fleet/summary", [], signal);

/** @type {typeof import("./api.js").getHosts} */
export const getHosts = (signal) => getJson("api/hosts", [], signal);

/** @type {typeof import("./api.js").getLatest} */
export const getLatest = (host, signal) => getJson("api/latest", [["host", host]], signal);

/** @type {typeof import("./api.js").getStatic} */
export const getStatic = (host, signal) => getJson("api/static", [["host", host]], signal);

/** @type {typeof import("./api.js").getStorage} */
export const getStorage = (signal) => getJson("api/storage", [], signal);

/** @type {typeof import("./api.js").getHistory} */
export async function getHistory({ metrics, ...question }, signal) {
  const parts = [];
  for (let at = 0; at < metrics.length; at += MOST_METRICS)
    parts.push(historyOf({ ...question, metrics: metrics.slice(at, at + MOST_METRICS) }, signal));
  return (await Promise.all(parts)).flat();
}

/**
 * @param {import("./api.js").HistoryQuestion} question
 * @param {AbortSignal} [signal]
 */
async function historyOf({ host, metrics, from, to, points = DEFAULT_POINTS }, signal) {
  const query = [
    ["host", host],
    ...metrics.map((metric) => ["metric", metric]),
    ["tags", "*"],
    ["from", String(from)],
    ["points", String(points)],
  ];
  if (to !== undefined) query.push(["to", String(to)]);
  const answer = await getJson("api/history", query, signal);
  return "series" in answer ? answer.series : [answer];
}

/** @type {typeof import("./api.js").getTrends} */
export async function getTrends({ hosts, metric, from, points }, signal) {
  const query = [...hosts.map((host) => ["host", host]), ["metric", metric]];
  query.push(["from", String(from)], ["points", String(points)]);
  const answer = await getJson("api/history", query, signal);
  return "series" in answer ? answer.series : [answer];
}

/** @type {typeof import("./api.js").getProcesses} */
export const getProcesses = (host, at, signal) =>
  getJson("api/processes", [["host", host], ...(at === null ? [] : [["at", String(at)]])], signal);

/** @type {typeof import("./api.js").getPrograms} */
export function getPrograms(host, { from, to }, signal) {
  const query = [
    ["host", host],
    ["from", String(from)],
    ["to", String(to)],
  ];
  return getJson("api/processes", query, signal);
}

/** @type {typeof import("./api.js").openLive} */
export function openLive(hosts) {
  const early = hosts.length === 0 ? takeEarly() : undefined;
  if (early !== undefined) return early;
  const url = address(
    "api/live",
    hosts.map((host) => ["host", host]),
  );
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url);
}

/** What head.js opened, unless it is taken or gone. What it said before is said again, to those who listen now. */
function takeEarly() {
  const early = globalThis.earlyStream;
  globalThis.earlyStream = undefined;
  if (early === undefined || early.socket.readyState > WebSocket.OPEN) return undefined;
  const { socket, heard } = early;
  socket.onmessage = null;
  queueMicrotask(() => heard.forEach((data) => socket.dispatchEvent(new MessageEvent("message", { data }))));
  return socket;
}

/**
 * @param {string} path
 * @param {string[][]} query
 */
function address(path, query) {
  const url = new URL(path, PAGE);
  for (const [key, value] of query) url.searchParams.append(key, value);
  return url;
}

/**
 * @param {string} path
 * @param {string[][]} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} what `api.d.ts` says of the path
 */
async function getJson(path, query, signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(address(path, query), {
    headers: { accept: "application/json" },
    cache: "no-store",
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** @param {Response} answer */
async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new ApiError(
    answer.status,
    String(problem.code ?? ""),
    String(problem.detail ?? `the server answered ${answer.status}`),
  );
}
