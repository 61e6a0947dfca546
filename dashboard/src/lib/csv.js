// Series as comma-separated values: a row a moment, a column a line; where a point stands for many, its range as well.

/** @typedef {{ label: string, track: import("../chart/track.js").Track }} Column */

/** A spreadsheet would take a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * @param {readonly Column[]} columns
 * @param {import("../chart/plot.js").TimeWindow} window
 */
export function csvOf(columns, window) {
  const heads = columns.flatMap(({ label, track }) =>
    track.banded ? [label, `${label} lowest`, `${label} highest`] : [label],
  );
  const lines = rowsOf(columns, window).map(({ time, cells }) => {
    const figures = columns.flatMap(
      ({ track }, index) => /** @type {(string | number)[]} */ (figuresAt(track, cells[index])),
    );
    return [new Date(time * 1000).toISOString(), ...figures].join(",");
  });
  return `${["time", ...heads].map(quoted).join(",")}\r\n${lines.map((line) => `${line}\r\n`).join("")}`;
}

/**
 * The moments of all columns, ascending, and where in each column they are.
 * @param {readonly Column[]} columns
 * @param {import("../chart/plot.js").TimeWindow} window
 * @returns {{ time: number, cells: number[] }[]} `cells`: indexes, -1 where a column has nothing
 */
export function rowsOf(columns, { from, to }) {
  /** @type {Map<number, number[]>} */
  const rows = new Map();
  columns.forEach(({ track }, column) => {
    track.points().times.forEach((time, index) => {
      if (time < from || time > to) return;
      const cells = rows.get(time) ?? columns.map(() => -1);
      cells[column] = index;
      rows.set(time, cells);
    });
  });
  return [...rows].sort(([a], [b]) => a - b).map(([time, cells]) => ({ time, cells }));
}

/** @param {string} text */
function quoted(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * @param {import("../chart/track.js").Track} track
 * @param {number} at -1 where there is nothing
 */
function figuresAt(track, at) {
  const { values, lows, highs } = track.points();
  const figures = track.banded ? [values, lows, highs] : [values];
  return figures.map((column) => (at < 0 ? "" : column[at]));
}
