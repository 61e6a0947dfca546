// Which lines of a long list are on screen. Each line has a height that is known beforehand, so nothing is measured.

import { countTrouble } from "./trouble.js";

/** @typedef {import("./trouble.js").Known} Known */
/** @typedef {{ kind: "group", name: string, about: string } | { kind: "hosts", hosts: Known[], first: number }} Line
 *  `about`: how many hosts, and what is wrong with them; `first`: the place of the first of all hosts, from 0 */

/** CSS pixels, as `fleet.css` has them. */
export const HEIGHTS = { group: 40, table: 52, grid: 128 };
/** Lines above and below the screen that are there already when one scrolls. */
const SPARE = 4;

/**
 * @param {readonly import("./order.js").Group[]} groups
 * @param {number} columns hosts beside each other
 * @returns {Line[]}
 */
export function linesOf(groups, columns) {
  let first = 0;
  return groups.flatMap(({ name, hosts }) => {
    /** @type {Line[]} */
    const lines = name === "" ? [] : [{ kind: "group", name, about: aboutOf(hosts) }];
    for (let at = 0; at < hosts.length; at += columns)
      lines.push({ kind: "hosts", hosts: hosts.slice(at, at + columns), first: first + at });
    first += hosts.length;
    return lines;
  });
}

/** As `8 · 1 offline · 2 high`. @param {readonly Known[]} hosts */
function aboutOf(hosts) {
  const counts = Object.entries(countTrouble(hosts)).filter(([, count]) => count > 0);
  return [String(hosts.length), ...counts.map(([word, count]) => `${count} ${word}`)].join(" · ");
}

/**
 * @param {readonly Line[]} lines
 * @param {number} height of a line of hosts
 * @param {{ from: number, to: number }} screen CSS pixels from the top of the list
 * @returns {{ first: number, end: number, above: number, below: number }} the lines, and the room of the others
 */
export function visible(lines, height, { from, to }) {
  let at = 0;
  let [first, end, above, below] = [-1, 0, 0, 0];
  lines.forEach((line, index) => {
    const next = at + (line.kind === "group" ? HEIGHTS.group : height);
    if (next < from - SPARE * height) above = next;
    else if (at <= to + SPARE * height) {
      if (first < 0) first = index;
      end = index + 1;
    } else below += next - at;
    at = next;
  });
  return { first: Math.max(0, first), end, above, below };
}
