// The modules that the page loads, found by following its imports.

import { readFileSync } from "node:fs";

export const SOURCE = new URL("../src/", import.meta.url);
const IMPORT = /^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)";/gm;

/**
 * @param {string} entry a path below `src/`
 * @returns {string[]} paths below `src/`, the entry first
 */
export function moduleGraph(entry) {
  const found = new Set([entry]);
  for (const path of found) {
    const text = readFileSync(new URL(path, SOURCE), "utf8");
    for (const [, target] of text.matchAll(IMPORT)) found.add(new URL(target, new URL(path, "file:///")).pathname.slice(1));
  }
  return [...found];
}
