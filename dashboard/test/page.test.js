// The page itself: what it loads, and what it must not hold.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { moduleGraph, SOURCE } from "./module_graph.js";

const html = readFileSync(new URL("index.html", SOURCE), "utf8");
const read = (/** @type {string} */ path) => readFileSync(new URL(path, SOURCE), "utf8");
const files = readdirSync(SOURCE, { recursive: true }).map(String);
const scripts = files.filter((path) => path.endsWith(".js"));

// What the server relies on when it sends as one what every visit needs: crates/sysmond/src/api/assets/modules.rs.
test("modules say import and export in the few ways that the server knows", () => {
  for (const path of scripts) {
    const code = read(path).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [, after] of code.matchAll(/^\s*import\b([^(][^;]*;)/gm))
      assert.match(after, /^ (\{[^}]+\}|\* as \w+) from "\.[^"]+\.js";$/, path);
    for (const [, after] of code.matchAll(/^\s*export\b(.*)$/gm))
      assert.match(after, /^ (class|const|(async )?function) \w+/, path);
    assert.doesNotMatch(code, /\$modules|\bimport\.meta|^export let/m, path);
  }
});

test("what comes with the page is not loaded a second time, and waits for nothing", () => {
  const joined = moduleGraph("main.js");
  for (const path of joined) assert.doesNotMatch(read(path), /^await\b/m, path);
  for (const path of scripts) {
    const code = read(path).replaceAll(/\/\*[^]*?\*\//g, "");
    for (const [, target] of code.matchAll(/\bimport\("(\.[^"]+\.js)"\)/g))
      assert.ok(!joined.includes(new URL(target, new URL(path, "file:///")).pathname.slice(1)), `${path}: ${target}`);
  }
});

test("every script is part of the page", () => {
  assert.deepEqual(scripts.toSorted(), [...moduleGraph("main.js", { later: true }), "head.js"].toSorted());
});

test("addresses are relative and stand in the page, in its head and in api.js alone", () => {
  for (const [, address] of html.matchAll(/(?:href|src)="([^"]+)"/g))
    assert.doesNotMatch(address, /^(\/|\w+:)/, address);
  for (const path of scripts) {
    const foreign = read(path).match(/["'`](?:\w+:)?\/\/[^"'`]*/);
    assert.equal(foreign, null, path);
    if (path !== "api.js" && path !== "head.js") assert.doesNotMatch(read(path), /["'`]\.?\/?api\//, path);
  }
});

test("text never becomes markup or code", () => {
  for (const path of scripts)
    assert.doesNotMatch(
      read(path),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      path,
    );
  assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)/);
});

test("no text spans lines: the server sends scripts without their comments and indents", () => {
  for (const path of scripts) {
    const code = read(path).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const line of code.split("\n")) assert.equal((line.match(/`/g) ?? []).length % 2, 0, `${path}: ${line}`);
  }
});

test("no file has grown beyond what one reads in a sitting", () => {
  for (const path of scripts) assert.ok(read(path).split("\n").length <= 300, path);
});
