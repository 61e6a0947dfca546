// Writes the list of modules into index.html, so that the browser asks for all at once: `npm run preload`.

import { readFileSync, writeFileSync } from "node:fs";
import { moduleGraph, SOURCE } from "./module_graph.js";

const page = new URL("index.html", SOURCE);
const links = moduleGraph("main.js")
  .slice(1)
  .toSorted()
  .map((path) => `    <link rel="modulepreload" href="${path}" />\n`);
const html = readFileSync(page, "utf8");
const without = html.replaceAll(/ *<link rel="modulepreload"[^>]*>\n/g, "");
writeFileSync(page, without.replace(/( *<script type="module")/, `${links.join("")}$1`));
