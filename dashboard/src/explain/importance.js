// Which of the series that moved a reader wants to hear of first: the resource that ran out before what the kernel did
// for it. A processor that burns also faults pages, switches tasks and sends packets, and those have no upper edge.

/** @typedef {import("./score.js").Movement} Movement */
/**
 * @typedef {object} Importance
 * @property {RegExp} of
 * @property {number} weight
 * @property {number} [whole] a move by so much is as large as any; of shares it tells more than how unusual it was,
 *   since a processor that strays widely may still burn
 * @property {boolean} [once] a single time is as bad as many
 */

/** A series that strays this far is as unusual as it gets: a counter that was silent is beyond every measure. */
export const MOST_SCORE = 30;

/** What went somewhere and came back is told after what stayed there: a machine that works has such all the time. */
const PASSING = 1 / 3;
/** A share of what can run out that fell is no want: a file system that was emptied, processors that rest. */
const RELIEF = 0.3;

/** The first that fits counts, and stands first among equals. @type {Importance[]} */
const IMPORTANCE = [
  { of: /\.oom_kills$|^disk\.(read_only|answers)$/, weight: 1, once: true },
  { of: /^cpu\.total_usage$/, weight: 1, whole: 60 },
  { of: /^memory\.usage_percent$/, weight: 1, whole: 20 },
  { of: /^disk\.busy_percent$/, weight: 1, whole: 60 },
  { of: /^disk\.(read|write)_bytes$/, weight: 0.95 },
  { of: /^disk\.usage_percent$/, weight: 0.95, whole: 15 },
  { of: /^disk\.(read|write)_latency$/, weight: 0.9 },
  { of: /^pressure\./, weight: 0.9, whole: 60 },
  { of: /^swap\.(usage_percent|in_bytes|out_bytes)$/, weight: 0.9, whole: 20 },
  { of: /^(service|container)\.(cpu|memory)_percent$/, weight: 0.85, whole: 60 },
  { of: /^network\.(rx|tx)_(bytes|errors|drops)$/, weight: 0.85 },
  { of: /^load\./, weight: 0.8 },
  { of: /^(cpu|limit)\..*(usage|percent|user|system|nice|iowait|steal|irq)$/, weight: 0.7, whole: 60 },
  { of: /^(sensors|battery|raid|textfile|service|container)\./, weight: 0.7 },
  { of: /^memory\.anonymous_bytes$/, weight: 0.6 },
  { of: /^tcp\.segments_(in|out)$/, weight: 0.5 }, // all that tells of a machine that talks to itself
];
/** How the kernel went about it: faults, pages, segments, interrupts. */
const MECHANISMS = /^(cpu|memory|disk|swap|network|ip|tcp|udp|sockets|system|processes|clock)\./;
const MECHANISM = { weight: 0.4, place: IMPORTANCE.length + 1 };
/** What a host tells of its own is told for a reason. */
const OF_ITS_OWN = { weight: 0.7, place: IMPORTANCE.length };

/**
 * @param {string} metric
 * @returns {{ weight: number, place: number, whole?: number, once?: boolean }}
 */
function importanceOf(metric) {
  const place = IMPORTANCE.findIndex(({ of }) => of.test(metric));
  if (place >= 0) return { ...IMPORTANCE[place], place };
  return MECHANISMS.test(metric) ? MECHANISM : OF_ITS_OWN;
}

/**
 * What findings are ordered by, the highest first, and among equals the lowest place.
 * @param {string} metric
 * @param {Movement} movement
 */
export function rankOf(metric, { score, before, during, spike }) {
  const { weight, place, whole, once } = importanceOf(metric);
  const share = whole === undefined ? score / MOST_SCORE : Math.abs(during - before) / whole;
  const passing = spike && once !== true ? PASSING : 1;
  const relief = whole !== undefined && during < before ? RELIEF : 1;
  return { height: weight * Math.min(1, share) * passing * relief, place };
}
