// Makes of the server's snapshots a module for tsc, so that a field that is named otherwise there than in api.d.ts
// fails `npm run check`. Literals, since of imported JSON tsc knows neither words nor the lengths of lists.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const SNAPSHOTS = new URL("../../crates/sysmond/tests/it/snapshots/", import.meta.url);
const FOLDER = new URL("../made/", import.meta.url);

/** What each is to the page. @type {Record<string, string | null>} `null`: the page never asks for it */
const TYPES = {
  fleet_summary: "FleetSummary",
  history: "HistorySeries",
  history_several: "HistoryAnswer",
  hosts: "HostList",
  latest: "Latest",
  live_fleet: "FleetFrame",
  live_history: "HistoryFrame",
  live_sample: "SampleFrame",
  live_static: "StaticFrame",
  problem: "Problem",
  processes_at: "ProcessesAt",
  processes_between: "ProcessesBetween",
  push_answer: null,
  static: "StaticInfo",
  storage: "Storage",
};

const names = readdirSync(SNAPSHOTS)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));
const unknown = names.filter((name) => !Object.hasOwn(TYPES, name));
const missing = Object.keys(TYPES).filter((name) => !names.includes(name));
if (unknown.length > 0 || missing.length > 0) {
  console.error(`test/snapshot_types.js: not known ${unknown}, not there ${missing}`);
  process.exit(1);
}
const checks = names
  .filter((name) => TYPES[name] !== null)
  .map((name) => {
    const text = readFileSync(new URL(`${name}.json`, SNAPSHOTS), "utf8").trim();
    return `export const of_${name} = ${text} satisfies api.${TYPES[name]};\n`;
  });
mkdirSync(FOLDER, { recursive: true });
writeFileSync(
  new URL("snapshots.ts", FOLDER),
  `// Made by test/snapshot_types.js.\nimport type * as api from "../src/api.js";\n\n${checks.join("\n")}`,
);
