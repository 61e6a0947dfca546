// Round figures for the axes.

const DECIMAL_STEPS = [1, 2, 2.5, 5, 10];
const BINARY_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const TIME_STEPS = [
  1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800,
];

/** @typedef {{ bottom: number, top: number, ticks: number[] }} ValueScale */

/**
 * Over zero, from the round figure at or below `min` to the one at or above `max`, in about `count` steps.
 * @param {number} max
 * @param {number} count
 * @param {boolean} binary steps of powers of two, for bytes
 * @param {number} min at most zero
 * @returns {ValueScale}
 */
export function valueScale(max, count, binary = false, min = 0) {
  const rough = Math.max(max - min, Number.MIN_VALUE * 1e20) / count;
  const step = binary ? binaryStep(rough) : decimalStep(rough);
  const below = Math.max(0, Math.ceil(-min / step - 1e-9));
  const above = Math.max(below === 0 ? 1 : 0, Math.ceil(max / step - 1e-9));
  const ticks = Array.from({ length: below + above + 1 }, (_, index) => (index - below) * step);
  return { bottom: -below * step, top: above * step, ticks };
}

/** @param {number} rough */
function decimalStep(rough) {
  const unit = 10 ** Math.floor(Math.log10(rough));
  return unit * (DECIMAL_STEPS.find((step) => step * unit >= rough * (1 - 1e-9)) ?? 10);
}

/** @param {number} rough */
function binaryStep(rough) {
  const unit = rough < 1 ? 1 : 1024 ** Math.floor(Math.log2(rough) / 10);
  return unit * (BINARY_STEPS.find((step) => step * unit >= rough * (1 - 1e-9)) ?? 1024);
}

/**
 * Round times between two, at most `count`, in Unix seconds.
 * @param {number} from
 * @param {number} to
 * @param {number} count
 * @param {number} zone seconds that the clock on the wall is ahead of UTC: days begin at its midnight
 */
export function timeTicks(from, to, count, zone = 0) {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= count) ?? 1_209_600;
  const ticks = [];
  for (let tick = Math.ceil((from + zone) / step) * step - zone; tick <= to; tick += step) ticks.push(tick);
  return ticks;
}
