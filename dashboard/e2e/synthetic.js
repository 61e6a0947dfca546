// A fleet out of nothing, over the real API: hosts with a past, and from then on a sample each so many seconds. For
// tests and pictures of what one machine cannot have.
//
//     node e2e/synthetic.js http://127.0.0.1:9000 TOKEN_FILE [--hosts 1000] [--minutes 10] [--step 10] [--seconds 60]

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";

const ROLES = ["web", "db", "cache", "worker", "edge"];
const CENTRES = ["fra", "ams", "iad", "sin"];
const AT_ONCE = 16;
/** Samples in one body. */
const MOST_SAMPLES = 4000;
const GIB = 1024 ** 3;

/** The same figures for the same host and time, as a busy day has them. @param {number} index @param {number} time */
export function figuresOf(index, time) {
  const noise = (/** @type {number} */ salt) => {
    const x = Math.sin(index * 127.1 + salt * 311.7 + Math.floor(time) * 0.7) * 43_758.5453;
    return x - Math.floor(x);
  };
  const day = 0.5 + 0.5 * Math.sin((time / 86_400) * 2 * Math.PI + index);
  const wave = Math.sin(time / 37 + index * 1.7);
  const hot = index % 97 === 13 ? 55 : 0;
  const cpu = Math.min(99.5, Math.max(0.5, 8 + 25 * day + 8 * wave + 6 * noise(1) + hot));
  const total = (8 << (index % 4)) * GIB;
  const share = Math.min(0.98, 0.25 + 0.3 * ((index * 0.618) % 1) + 0.1 * day + 0.01 * noise(2) + (hot ? 0.3 : 0));
  return {
    "cpu.total_usage": cpu,
    "cpu.user": cpu * 0.7,
    "cpu.system": cpu * 0.25,
    "cpu.iowait": cpu * 0.05,
    "memory.total_bytes": total,
    "memory.used_bytes": Math.round(total * share),
    "memory.usage_percent": share * 100,
    "load.avg_1m": (cpu / 100) * 8 * (1 + 0.1 * noise(3)),
  };
}

/** @param {number} index */
export function hostOf(index) {
  const role = ROLES[index % ROLES.length];
  const centre = CENTRES[Math.floor(index / ROLES.length) % CENTRES.length];
  const number = String(Math.floor(index / ROLES.length) + 1).padStart(3, "0");
  return {
    hostname: `${role}-${number}.${centre}`,
    version: "0.5.0",
    platform: "Linux",
    tags: { role, datacenter: centre, environment: index % 7 === 0 ? "staging" : "production" },
    static: { os: "Debian GNU/Linux 12 (bookworm)", kernel: "6.1.0-28-amd64", architecture: "x86_64", cpu_cores: 8 },
  };
}

/**
 * @param {number} index
 * @param {readonly number[]} times
 */
function bodyOf(index, times) {
  const metrics = times.flatMap((timestamp) =>
    Object.entries(figuresOf(index, timestamp)).map(([metric_type, value]) => ({
      timestamp,
      metric_type,
      value,
      tags: "",
    })),
  );
  return { ...hostOf(index), metrics };
}

/** @param {(() => Promise<void>)[]} jobs */
async function inTurn(jobs) {
  const queue = jobs.values();
  const work = async () => {
    for (const job of queue) await job();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/**
 * @param {(body: unknown) => Promise<Response>} push
 * @param {{ hosts: number, from: number, to: number, step: number }} what
 */
async function pushFleet(push, { hosts, from, to, step }) {
  const times = [];
  for (let time = from; time <= to; time += step) times.push(time);
  const perBody = Math.floor(MOST_SAMPLES / Object.keys(figuresOf(0, 0)).length);
  const jobs = Array.from({ length: hosts }, (_, index) => async () => {
    for (let at = 0; at < Math.max(1, times.length); at += perBody) {
      const answer = await push(bodyOf(index, times.slice(at, at + perBody)));
      if (!answer.ok) throw new Error(`${hostOf(index).hostname}: ${answer.status} ${await answer.text()}`);
    }
  });
  await inTurn(jobs);
}

/**
 * The past until now, up to the last whole step, which it gives back, Unix seconds.
 * @param {(body: unknown) => Promise<Response>} push
 * @param {{ hosts: number, seconds: number, step: number }} what
 */
export async function pushPast(push, { hosts, seconds, step }) {
  const to = lastStep(step);
  await pushFleet(push, { hosts, from: to - seconds, to, step });
  return to;
}

/**
 * The newest sample of each, again where it was there.
 * @param {(body: unknown) => Promise<Response>} push
 * @param {{ hosts: number, step: number }} what
 */
export async function pushNewest(push, { hosts, step }) {
  const to = lastStep(step);
  await pushFleet(push, { hosts, from: to, to, step });
}

/** @param {number} step seconds */
function lastStep(step) {
  return Math.floor(Date.now() / 1000 / step) * step;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      hosts: { type: "string", default: "1000" },
      minutes: { type: "string", default: "10" },
      step: { type: "string", default: "10" },
      seconds: { type: "string", default: "60" },
    },
  });
  const [url, tokenFile] = positionals;
  if (!url || !tokenFile) throw new Error("usage: node e2e/synthetic.js URL TOKEN_FILE [--hosts N] …");
  const headers = { "content-type": "application/json", "x-sysmon-token": readFileSync(tokenFile, "utf8").trim() };
  const push = (/** @type {unknown} */ body) =>
    fetch(new URL("api/metrics", url.replace(/\/?$/, "/")), { method: "POST", headers, body: JSON.stringify(body) });
  const [hosts, step] = [Number(values.hosts), Number(values.step)];
  const end = Date.now() + Number(values.seconds) * 1000;
  let last = await pushPast(push, { hosts, seconds: Number(values.minutes) * 60, step });
  while (Date.now() < end) {
    const now = lastStep(step);
    if (now > last) await pushFleet(push, { hosts, from: last + step, to: now, step });
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
