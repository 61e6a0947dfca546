// Records what "What moved?" is tested on (test/recorded/): a real sysmond, agent and aggregator in one, watches this
// machine while real trouble is made on it, each by a program of a known name, one after the other with calm between:
//
//     SYSMOND_BIN=../target/release/sysmond node bench/record_trouble.js [TROUBLE…]
//
// - memory: `hoarder` takes 3 GiB in six seconds and keeps them
// - disk: `writer` writes 4 MiB and syncs, again and again, into the folder in which sysmond's database lies
// - network: `talker` sends itself 100 MB a second over loopback. An agent leaves that out of its interfaces where
//   there are others, so that TCP's own counters tell of it
// - cpu: `burner`, a busy loop on one core less than there are, but on one at least
//
// Before the first there are five minutes, before each other 150 seconds, and each lasts 75. Whatever else runs on the
// machine is recorded too: nothing is made calm but by waiting. Before `cpu` that is, ten minutes at most, for a
// minute in which the processors were idle by two thirds: what is busy cannot become it, and is not recorded.
//
// A file has the span (from the start of the program to its end), what the API gave of it and of the time before,
// asked as the page asks (every series that is explained, the programs during and before). Of the series those are
// left out whose every point is one and the same value: they have not moved, whoever looks. Values are rounded to five
// digits. What a file is to say (its resource, its program) is what was done, not what was found.

import { spawn } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Sysmond } from "../e2e/sysmond.js";
import { explains, withBefore } from "../src/explain/explain.js";

const POINTS = 400;
const [FIRST_CALM, CALM, TROUBLE] = [300, 150, 75];
const IDLE_SECONDS = 60;
const IDLE_SHARE = 2 / 3;
const LONGEST_WAIT = 600;
/** What is as large is a moment, or bytes, and stays whole. */
const LIKE_A_TIME = 1e9;
const FOLDER = new URL("../test/recorded/", import.meta.url);
/** @type {Record<string, { name: string, what: string, count: number, resource: string }>} */
const TROUBLES = {
  memory: { name: "hoarder", what: "leak", count: 1, resource: "^memory\\." },
  disk: { name: "writer", what: "write", count: 1, resource: "^disk\\." },
  network: { name: "talker", what: "talk", count: 1, resource: "^(network|tcp)\\." },
  cpu: { name: "burner", what: "burn", count: Math.max(1, cpus().length - 1), resource: "^cpu\\." },
};

const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in TROUBLES));
if (unknown !== undefined) throw new Error(`there is no trouble ${unknown}: ${Object.keys(TROUBLES).join(", ")}`);
await mkdir(FOLDER, { recursive: true });
const sysmond = await Sysmond.start();
globalThis.document = /** @type {any} */ ({ baseURI: sysmond.url }); // api.js asks below the page's address
const api = await import("../src/api.js");
try {
  let calm = FIRST_CALM;
  for (const name of chosen.length > 0 ? chosen : Object.keys(TROUBLES)) {
    await seconds(calm);
    if (name === "cpu" && !(await idle())) {
      process.stderr.write("cpu: not recorded, the processors were busy. Run it again when they are not.\n");
      process.exitCode = 1;
      continue;
    }
    calm = CALM;
    const span = await trouble(name);
    await seconds(12); // what was read last is stored
    await record(name, span);
  }
} finally {
  await sysmond.end();
}

/** @param {number} count */
function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

/** Ticks of all processors, in all and idle. */
async function ticks() {
  const [line] = (await readFile("/proc/stat", "utf8")).split("\n");
  const each = line.split(/\s+/).slice(1, 9).map(Number);
  return { all: each.reduce((sum, one) => sum + one, 0), idle: each[3] + each[4] };
}

/** Waits for a minute in which the processors are idle; whether it came. */
async function idle() {
  const end = Date.now() + LONGEST_WAIT * 1000;
  while (Date.now() < end) {
    const before = await ticks();
    await seconds(IDLE_SECONDS);
    const after = await ticks();
    const share = (after.idle - before.idle) / (after.all - before.all);
    process.stdout.write(`the processors were idle by ${(100 * share).toFixed(0)} %\n`);
    if (share >= IDLE_SHARE) return true;
  }
  return false;
}

/** Runs the program, under its own name. @param {string} trouble @returns {Promise<{ from: number, to: number }>} */
async function trouble(trouble) {
  const { name, what, count } = TROUBLES[trouble];
  const program = join(sysmond.directory, name);
  await symlink(process.execPath, program);
  const script = new URL("troubles.js", import.meta.url).pathname;
  const from = Math.floor(Date.now() / 1000);
  const children = Array.from({ length: count }, () =>
    spawn(program, [script, what, sysmond.directory], { stdio: "inherit" }),
  );
  await seconds(TROUBLE);
  const to = Math.floor(Date.now() / 1000);
  for (const child of children) {
    if (child.exitCode !== null) throw new Error(`${name} ended by itself with ${child.exitCode}`);
    child.kill("SIGKILL");
  }
  return { from, to };
}

/** @param {string} trouble @param {{ from: number, to: number }} span */
async function record(trouble, span) {
  const [{ hostname: host }] = (await api.getHosts()).hosts;
  const window = withBefore(span);
  const { metrics } = await api.getLatest(host);
  const names = [...new Set(metrics.map(({ metric_type }) => metric_type))].filter(explains);
  const all = await api.getHistory({ host, metrics: names, ...window, points: POINTS });
  const [during, before] = await Promise.all(
    [span, { from: window.from, to: span.from }].map((one) => api.getPrograms(host, one)),
  );
  const series = all.filter(({ points }) => moves(points));
  const { name: culprit, resource } = TROUBLES[trouble];
  const kept = { trouble, resource, culprit, span, asked: all.length, series, during: during.programs };
  const text = JSON.stringify({ ...kept, before: before.programs }, (_, value) =>
    typeof value === "number" && Math.abs(value) < LIKE_A_TIME ? Number(value.toPrecision(5)) : value,
  );
  const packed = gzipSync(text, { level: 9 });
  await writeFile(new URL(`${trouble}.json.gz`, FOLDER), packed);
  process.stdout.write(`${trouble}: ${series.length} of ${all.length} series, ${packed.length} bytes\n`);
}

/** @param {readonly import("../src/api.js").Point[]} points */
function moves(points) {
  const [first] = points;
  return points.some(([, ...values]) => values.some((value) => value !== first[1]));
}
