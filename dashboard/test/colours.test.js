// The colours: readable on what they stand on, and told apart by eyes that lack one kind of cone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SOURCE } from "./module_graph.js";

const css = readFileSync(new URL("css/tokens.css", SOURCE), "utf8");
/** @type {Record<string, string>[]} the light theme, the dark one by the system, and the dark one that was chosen */
const themes = [...css.matchAll(/:root[^{]*\{([^}]*)\}/g)].map(([, body]) =>
  Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name, colour]) => [name, colour])),
);
const [light, dark] = themes;

/** What is left of linear red, green and blue without a kind of cone: Machado, Oliveira and Fernandes, 2009. */
const EYES = {
  all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

/** @param {readonly number[]} matrix three rows @param {readonly number[]} vector */
const times = (matrix, vector) =>
  [0, 3, 6].map((row) => vector.reduce((sum, value, column) => sum + matrix[row + column] * value, 0));

/** Linear red, green and blue. @param {string} hex */
const linear = (hex) =>
  [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));

/** In Oklab, where equal distances look alike; a step that one just sees is about 2. @param {readonly number[]} rgb */
function place(rgb) {
  const CONES = [
    0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619, 0.2817188376,
    0.6299787005,
  ];
  const LAB = [
    0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371, 0.7827717662,
    -0.808675766,
  ];
  return times(LAB, times(CONES, rgb).map(Math.cbrt)).map((part) => 100 * part);
}

/** @param {string} a @param {string} b @param {readonly number[]} eyes */
function distance(a, b, eyes) {
  const [p, q] = [a, b].map((hex) => place(times(eyes, linear(hex)).map((part) => Math.min(1, Math.max(0, part)))));
  return Math.hypot(...p.map((part, at) => part - q[at]));
}

/** As WCAG has it. @param {string} a @param {string} b */
function contrast(a, b) {
  const luminance = (/** @type {string} */ hex) => {
    const [red, green, blue] = linear(hex);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const [p, q] = [luminance(a), luminance(b)];
  return Math.max(p, q) / Math.min(p, q);
}

/** @param {readonly string[]} names each of which every eye tells from the others @param {number} least */
function checkApart(names, least) {
  for (const [theme, colours] of Object.entries({ light, dark }))
    for (const [kind, eyes] of Object.entries(EYES))
      names.forEach((a, at) => {
        for (const b of names.slice(at + 1)) {
          const found = distance(colours[a], colours[b], eyes);
          assert.ok(found >= least, `${theme}, ${kind}: ${a} and ${b} are ${found.toFixed(1)} apart`);
        }
      });
}

/** @param {readonly string[]} names @param {readonly string[]} grounds @param {number} least */
function checkContrast(names, grounds, least) {
  for (const [theme, colours] of Object.entries({ light, dark }))
    for (const name of names)
      for (const ground of grounds) {
        const found = contrast(colours[name], colours[ground]);
        assert.ok(found >= least, `${theme}: ${name} on ${ground} has ${found.toFixed(2)}`);
      }
}

const SERIES = Array.from({ length: 8 }, (_, index) => `series-${index + 1}`);

test("black and white are as far apart as can be, and red and green are one to who lacks a cone", () => {
  assert.equal(Math.round(contrast("#000000", "#ffffff")), 21);
  assert.ok(distance("#8f7a00", "#b06a00", EYES.deuteranopia) < 0.5 * distance("#8f7a00", "#b06a00", EYES.all));
});

test("the dark theme is one, whoever chose it", () => {
  assert.equal(themes.length, 3);
  assert.deepEqual(themes[2], dark);
  assert.deepEqual(Object.keys(dark), Object.keys(light));
});

test("every eye tells the colours of eight series apart", () => checkApart(SERIES, 9));

test("every eye tells the states apart, as words and as bars", () => {
  checkApart(["ok", "warn", "bad"], 8);
  checkApart(["meter", "meter-warn", "bad"], 8);
});

test("text can be read on every ground, and lines and bars be seen", () => {
  checkContrast(["text", "text-muted", "accent", "ok", "warn", "bad"], ["panel", "ground", "sunken"], 4.5);
  checkContrast(["text", "bad"], ["bad-soft"], 4.5);
  checkContrast(["accent-text"], ["accent"], 4.5);
  checkContrast([...SERIES, "meter", "meter-warn", "border-strong"], ["panel"], 3);
});
