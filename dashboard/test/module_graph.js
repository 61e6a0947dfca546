// The modules that the page loads, found by following its imports.

import { readFileSync } from "node:fs";

export const SOURCE = new URL("../src/", import.meta.url);
const AT_ONCE = /^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)";/gm;
const LATER = /\bimport\("(\.[^"]+\.js)"\)/g;

/**
 * @param {string} entry a path below `src/`
 * @param {{ later?: boolean }} [options] `later`: also what is loaded when it is needed
 * @returns {string[]} paths below `src/`, the entry first
 */
export function moduleGraph(entry, { later = false } = {}) {
  const found = new Set([entry]);
  for (const path of found) {
    const text = readFileSync(new URL(path, SOURCE), "utf8").replaceAll(/\/\*\*[^]*?\*\//g, "");
    for (const kind of later ? [AT_ONCE, LATER] : [AT_ONCE])
      for (const [, target] of text.matchAll(kind))
        found.add(new URL(target, new URL(path, "file:///")).pathname.slice(1));
  }
  return [...found];
}
