// A real sysmond for a test: its own data directory, a free port, stopped by its process id.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.js";

const STARTED_WITHIN_MS = 30_000;

export class Sysmond {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  #log = "";
  /** Where it answers, as `127.0.0.1:40123`; the same after a restart. */
  address = "127.0.0.1:0";

  /**
   * @param {string} directory
   * @param {string[]} args
   */
  constructor(directory, args) {
    this.directory = directory;
    this.args = args;
  }

  /** @param {string[]} [args] command and flags beside those that a test needs */
  static async start(args = []) {
    const one = new Sysmond(await mkdtemp(join(tmpdir(), "sysmon-e2e-")), args);
    await one.run();
    return one;
  }

  get url() {
    return `http://${this.address}/`;
  }

  /** Starts it, or starts it again, at the same address. */
  async run() {
    const addrFile = join(this.directory, "addr");
    await rm(addrFile, { force: true });
    const flags = ["--listen", this.address, "--addr-file", addrFile, "--data-dir", this.directory];
    const child = spawn(binary(), [...this.args, ...flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, SYSMON_LOG_LEVEL: "warn" } });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (this.#log += text));
    const started = async () => {
      if (child.exitCode !== null) throw new Error(`sysmond ended with ${child.exitCode}:\n${this.#log}`);
      this.address = (await readFile(addrFile, "utf8")).trim();
      return this.address !== "";
    };
    await eventually("sysmond answers", started, STARTED_WITHIN_MS);
  }

  /** @param {NodeJS.Signals} [signal] */
  async kill(signal = "SIGKILL") {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async end() {
    await this.kill("SIGTERM");
    await rm(this.directory, { recursive: true, force: true });
  }

  /** @param {unknown} body of `POST /api/metrics` */
  async push(body) {
    const token = (await readFile(join(this.directory, "token"), "utf8")).trim();
    const headers = { "content-type": "application/json", "x-sysmon-token": token };
    return fetch(`${this.url}api/metrics`, { method: "POST", headers, body: JSON.stringify(body) });
  }

  /** An agent's own process, pushing to this aggregator. @param {string} hostname @param {string[]} args */
  async agent(hostname, args = []) {
    const directory = await mkdtemp(join(tmpdir(), "sysmon-e2e-agent-"));
    const flags = ["--aggregator", `http://${this.address}`, "--token-file", join(this.directory, "token"), "--data-dir", directory, "--hostname", hostname];
    const child = spawn(binary(), ["agent", ...flags, ...args], { stdio: "ignore" });
    return {
      end: async () => {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        await ended;
        await rm(directory, { recursive: true, force: true });
      },
    };
  }
}

function binary() {
  const path = process.env.SYSMOND_BIN;
  if (!path) throw new Error("SYSMOND_BIN is to be the path of the sysmond that is tested");
  return path;
}
