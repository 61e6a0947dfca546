// Processes in the order of what they take.

/** @typedef {import("../api.js").ProcessUse} ProcessUse */
/** @typedef {"cpu" | "memory" | "disk"} Resource */

/** @param {ProcessUse} process bytes a second to and from disks; `null` where neither is known */
export function diskOf({ read_bytes, write_bytes }) {
  return read_bytes === null && write_bytes === null ? null : (read_bytes ?? 0) + (write_bytes ?? 0);
}

/** @type {Record<Resource, (process: ProcessUse) => number>} */
const WEIGHTS = {
  cpu: ({ cpu_percent }) => cpu_percent ?? -1,
  memory: ({ memory_bytes }) => memory_bytes,
  disk: (process) => diskOf(process) ?? -1,
};

/**
 * @param {readonly ProcessUse[]} processes
 * @param {Resource} resource
 * @param {number} most
 */
export function heaviest(processes, resource, most) {
  const weight = WEIGHTS[resource];
  return [...processes]
    .sort((a, b) => weight(b) - weight(a) || b.memory_bytes - a.memory_bytes || a.pid - b.pid)
    .slice(0, most);
}
