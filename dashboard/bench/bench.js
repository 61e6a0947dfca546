// Both chart libraries on the same data, in the same browser, at the same size. `run.js` calls
// what is on `window.bench`.

import uPlot from "../node_modules/uplot/dist/uPlot.esm.js";
import { TimeChart } from "../src/chart/time_chart.js";
import { Track } from "../src/chart/track.js";

const NOW = 1_763_800_000;
const COLOURS = ["#1d66c9", "#cf6a00", "#0d8a70"];
const LIVE_POINTS = 300;

/** Wanders as a processor's load does, with spikes. @param {number} count @param {number} series */
function values(count, series) {
  let state = 12_345 + series;
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  let level = 30 + 15 * series;
  return Float64Array.from({ length: count }, () => {
    level = Math.min(85, Math.max(5, level + (random() - 0.5) * 2));
    return random() > 0.999 ? 98 : level + random() * 4;
  });
}

/** @typedef {{ redraw(shift: number): void, push(second: number): void, canvas(): HTMLCanvasElement }} Subject */

/** @param {HTMLElement} holder @param {number} points @param {number} step @param {number} series @returns {Subject} */
function ours(holder, points, step, series) {
  const chart = new TimeChart({ title: "bench", span: "bench", unit: "percent", max: 100 });
  const lines = Array.from({ length: series }, (_, index) => {
    const track = new Track();
    values(points, index).forEach((value, at) => track.add(NOW - (points - 1 - at) * step, value));
    return { label: `series ${index}`, colour: index, track };
  });
  const window = (/** @type {number} */ to) => ({ from: to - (points - 1) * step, to });
  holder.append(chart.holder);
  chart.show(lines, window(NOW));
  return {
    redraw(shift) {
      chart.show(lines, window(NOW - shift * step));
      chart.draw();
    },
    push(second) {
      lines.forEach(({ track }, index) => {
        track.add(NOW + second, 40 + 20 * Math.sin(second / 7 + index));
        track.trim(NOW + second - points - 60);
      });
      chart.show(lines, window(NOW + second));
    },
    canvas: () => /** @type {HTMLCanvasElement} */ (chart.element.querySelector("canvas")),
  };
}

/** @param {HTMLElement} holder @param {number} points @param {number} step @param {number} series @returns {Subject} */
function theirs(holder, points, step, series) {
  const { width, height } = holder.getBoundingClientRect();
  const data = [
    Array.from({ length: points }, (_, at) => NOW - (points - 1 - at) * step),
    ...Array.from({ length: series }, (_, index) => Array.from(values(points, index))),
  ];
  const options = {
    width,
    height,
    legend: { show: false },
    scales: { y: { range: [0, 100] } },
    series: [{}, ...COLOURS.slice(0, series).map((stroke) => ({ stroke, width: 1.5 }))],
  };
  const plot = new uPlot(/** @type {any} */ (options), /** @type {any} */ (data), holder);
  return {
    redraw(shift) {
      plot.setScale("x", { min: NOW - (points - 1 + shift) * step, max: NOW - shift * step });
    },
    push(second) {
      data[0].push(NOW + second);
      data.slice(1).forEach((column, index) => column.push(40 + 20 * Math.sin(second / 7 + index)));
      for (const column of data) column.shift();
      plot.setData(/** @type {any} */ (data));
    },
    canvas: () => plot.ctx.canvas,
  };
}

/** @type {Record<string, typeof ours>} */
const SUBJECTS = { ours, theirs };
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** @param {string} className */
function holderOf(className) {
  const holder = document.createElement("div");
  holder.className = className;
  document.body.append(holder);
  return holder;
}

/** @type {any} */ (window).bench = {
  /**
   * Milliseconds of each redraw, until its pixels are there.
   * @param {string} name @param {number} points @param {number} step @param {number} series @param {number} rounds
   */
  async redraw(name, points, step, series, rounds) {
    document.body.replaceChildren();
    const subject = SUBJECTS[name](holderOf("one"), points, step, series);
    for (let wait = 0; wait < 10; wait += 1) await frame();
    const times = [];
    for (let round = 1; round <= rounds; round += 1) {
      const begin = performance.now();
      subject.redraw(round % 7);
      await Promise.resolve(); // uPlot draws in a microtask
      subject.canvas().getContext("2d")?.getImageData(0, 0, 1, 1);
      times.push(performance.now() - begin);
      await frame();
    }
    return times;
  },
  /** Charts that get a sample each second from now on. @param {string} name @param {number} count */
  async live(name, count) {
    document.body.replaceChildren();
    const grid = holderOf("many");
    const subjects = Array.from({ length: count }, () => {
      const holder = document.createElement("div");
      grid.append(holder);
      return SUBJECTS[name](holder, LIVE_POINTS, 1, 2);
    });
    let second = 0;
    setInterval(() => {
      second += 1;
      for (const subject of subjects) subject.push(second);
    }, 1000);
  },
};
