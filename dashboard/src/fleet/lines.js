// Which lines of a long list are on screen. Each line has a height that is known beforehand, so nothing is measured.

/** @typedef {import("../api.js").FleetHost} FleetHost */
/** @typedef {{ kind: "group", name: string, count: number } | { kind: "hosts", hosts: FleetHost[] }} Line */

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
  return groups.flatMap(({ name, hosts }) => {
    /** @type {Line[]} */
    const lines = name === "" ? [] : [{ kind: "group", name, count: hosts.length }];
    for (let at = 0; at < hosts.length; at += columns)
      lines.push({ kind: "hosts", hosts: hosts.slice(at, at + columns) });
    return lines;
  });
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
