// The shapes of the API, as the server gives them. Times are Unix seconds.

export type Unit =
  | "percent"
  | "bytes"
  | "bytes/s"
  | "bits/s"
  | "1/s"
  | "seconds"
  | "hertz"
  | "celsius"
  | "volts"
  | "amperes"
  | "watts"
  | "rpm"
  | "count";

export interface FleetSummary {
  total_hosts: number;
  online_hosts: number;
  offline_hosts: number;
  avg_cpu_usage: number;
  total_memory_used: number;
  timestamp: number;
}

/** What the page takes of `GET /api/storage`. */
export interface Storage {
  /** `null` while there is room for what comes. */
  full: { since: number; bound: "disk" | "budget" } | null;
  timestamp: number;
  /** What the page does not ask for. */
  [figure: string]: unknown;
}

/** The figures that a fleet frame carries of each host, where it has them. */
export type HeadlineMetric = "cpu.total_usage" | "memory.usage_percent" | "memory.used_bytes" | "load.avg_1m";

export interface Host {
  hostname: string;
  first_seen: number;
  last_seen: number;
  tags: Record<string, string>;
  version: string;
  platform: string;
  status: "online" | "offline";
}

/** `disk.usage_percent` of the fullest file system that can be written to. */
export type DiskSeries = `disk.usage_percent{${string}`;

export interface FleetHost extends Host {
  cpu_cores?: number;
  metrics?: Partial<Record<HeadlineMetric, number>> & { [series: DiskSeries]: number };
  /** When the newest of them was read, by the host's clock. */
  sampled_at?: number;
}

export interface HostList {
  hosts: Host[];
  count: number;
  timestamp: number;
}

export interface Sample {
  timestamp: number;
  metric_type: string;
  host: string;
  tags: string;
  value: number;
}

export interface Latest {
  metrics: Sample[];
  count: number;
  timestamp: number;
}

/** What is read once. A host that never sent it has only its name, or nothing but empty fields. */
export interface StaticInfo {
  hostname: string;
  ip_addresses?: string[];
  os?: string;
  kernel?: string;
  architecture?: string;
  cpu_model?: string;
  cpu_cores?: number;
  memory_total_bytes?: number;
  boot_time?: number;
  container?: string;
  /** In a container: whether the figures are the host's or its own. */
  figures_of?: string;
  /** What is not collected and why, by the collector's name. */
  unavailable?: Record<string, string>;
  agent_version?: string;
  interval_seconds?: number;
}

/** `[timestamp, min, avg, max]` */
export type Point = [number, number, number, number];

export interface HistorySeries {
  host: string;
  metric: string;
  tags: string;
  unit: string;
  resolution_seconds: number;
  from: number;
  to: number;
  points: Point[];
}

/** `/api/history` of several hosts or metrics. */
export interface HistoryAnswer {
  series: HistorySeries[];
}

/** What an error's body says. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
}

/** What one process took at a moment. Shares are of all cores, rates in bytes a second; `null` is not known. */
export interface ProcessUse {
  pid: number;
  name: string;
  command: string | null;
  user: number;
  state: string;
  threads: number;
  cpu_percent: number | null;
  memory_bytes: number;
  read_bytes: number | null;
  write_bytes: number | null;
}

export interface ProcessSnapshot {
  timestamp: number;
  /** What shares and rates are over; 0 where there are none. */
  seconds: number;
  /** All that could be seen. */
  total: number;
  processes: ProcessUse[];
}

/** The newest snapshot at or before a moment, of the five minutes before it. */
export interface ProcessesAt {
  host: string;
  at: number;
  snapshot: ProcessSnapshot | null;
  timestamp: number;
}

export interface MeanAndMax {
  mean: number;
  max: number;
}

/** What one process, or all of a name, took in a stretch of time. */
interface Total {
  name: string;
  snapshots: number;
  first: number;
  last: number;
  cpu_percent: MeanAndMax | null;
  memory_bytes: MeanAndMax;
  read_bytes: MeanAndMax | null;
  write_bytes: MeanAndMax | null;
}

export interface ProcessTotal extends Total {
  pid: number;
  command: string | null;
  user: number;
}

export interface ProgramTotal extends Total {
  /** How many processes had that name. */
  processes: number;
}

export interface ProcessesBetween {
  host: string;
  from: number;
  to: number;
  snapshots: number;
  seconds: number;
  processes: ProcessTotal[];
  programs: ProgramTotal[];
  timestamp: number;
}

export interface FleetFrame {
  type: "fleet";
  summary: FleetSummary;
  hosts: FleetHost[];
}
export interface StaticFrame {
  type: "static";
  hosts: (StaticInfo & Partial<Host>)[];
}
export interface HistoryFrame {
  type: "history";
  host: string;
  series: HistorySeries[];
}
export interface SampleFrame {
  type: "sample";
  host: string;
  timestamp: number;
  metrics: Record<string, number>;
}
export type LiveFrame = FleetFrame | StaticFrame | HistoryFrame | SampleFrame;

export interface HistoryQuestion {
  host: string;
  metrics: readonly string[];
  from: number;
  to?: number;
  points?: number;
}

/** The server answered, and the answer is no. */
export class ApiError extends Error {
  constructor(status: number, code: string, detail: string);
  readonly status: number;
  readonly code: string;
}

/** Where this page's server is, for the command that enrols a host. */
export function serverAddress(): string;
export function getSummary(signal?: AbortSignal): Promise<FleetSummary>;
export function getHosts(signal?: AbortSignal): Promise<HostList>;
export function getLatest(host: string, signal?: AbortSignal): Promise<Latest>;
export function getStatic(host: string, signal?: AbortSignal): Promise<StaticInfo>;
export function getStorage(signal?: AbortSignal): Promise<Storage>;
export function getHistory(question: HistoryQuestion, signal?: AbortSignal): Promise<HistorySeries[]>;
/** One metric of several hosts, 32 at most. */
export function getTrends(
  question: { hosts: readonly string[]; metric: string; from: number; points: number },
  signal?: AbortSignal,
): Promise<HistorySeries[]>;
/** What took the most at a moment, Unix seconds, or now where that is `null`. */
export function getProcesses(host: string, at: number | null, signal?: AbortSignal): Promise<ProcessesAt>;
/** What took the most in a stretch of at most seven days. */
export function getPrograms(
  host: string,
  stretch: { from: number; to: number },
  signal?: AbortSignal,
): Promise<ProcessesBetween>;
/** A socket for these hosts, or for the fleet where there are none. */
export function openLive(hosts: readonly string[]): WebSocket;

declare global {
  /** The fleet's stream, opened before the page's script came (head.js), and what it has said. */
  var earlyStream: { socket: WebSocket; heard: unknown[] } | undefined;
}
