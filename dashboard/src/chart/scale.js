// Round figures for the axes.

const DECIMAL_STEPS = [1, 2, 2.5, 5, 10];
const BINARY_STEPS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const TIME_STEPS = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** @typedef {{ top: number, ticks: number[] }} ValueScale */

/**
 * From zero to the first round figure at or above `max`, in at most `count` steps.
 * @param {number} max
 * @param {number} count
 * @param {boolean} binary steps of powers of two, for bytes
 * @returns {ValueScale}
 */
export function valueScale(max, count, binary = false) {
  const rough = Math.max(max, Number.MIN_VALUE * 1e20) / count;
  const step = binary ? binaryStep(rough) : decimalStep(rough);
  const steps = Math.max(1, Math.ceil(max / step - 1e-9));
  return { top: step * steps, ticks: Array.from({ length: steps + 1 }, (_, index) => index * step) };
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
 */
export function timeTicks(from, to, count) {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= count) ?? 86_400;
  const ticks = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
  return ticks;
}
