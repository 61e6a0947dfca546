// What makes a trouble of bench/record_trouble.js, run under a name of its own: the first argument says which.

import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { createServer, connect } from "node:net";

const MEBIBYTE = 1 << 20;
/** What a leak takes in all, and how long it takes to, milliseconds. */
const LEAK = 3072 * MEBIBYTE;
const LEAK_STEP = 128 * MEBIBYTE;
const LEAK_EVERY_MS = 250;
/** The file that is written from its begin again and again. */
const FILE = 64 * MEBIBYTE;
/** Of traffic: about 100 MB a second, which is much for a network and little for a processor. */
const SEND = 256 * 1024;
const SEND_EVERY_MS = 2.5;

/** @type {Record<string, (folder: string) => void>} */
const TROUBLES = {
  burn() {
    for (let at = 0; ; at += 1) Math.sqrt(at);
  },
  leak() {
    /** @type {Buffer[]} */
    const kept = [];
    const timer = setInterval(() => {
      kept.push(Buffer.alloc(LEAK_STEP, kept.length + 1));
      if (kept.length * LEAK_STEP >= LEAK) clearInterval(timer);
    }, LEAK_EVERY_MS);
    setInterval(() => kept.length, 60_000); // it stays, with what it has
  },
  write(folder) {
    const file = openSync(`${folder}/written`, "w");
    const block = Buffer.alloc(4 * MEBIBYTE, 7);
    process.on("SIGTERM", () => (closeSync(file), process.exit()));
    let at = 0;
    const turn = () => {
      writeSync(file, block, 0, block.length, at);
      fsyncSync(file);
      at = (at + block.length) % FILE;
      setImmediate(turn);
    };
    turn();
  },
  talk() {
    const server = createServer((socket) => socket.resume());
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      const socket = connect(port, "127.0.0.1");
      const block = Buffer.alloc(SEND);
      let due = performance.now();
      setInterval(() => {
        for (; due <= performance.now(); due += SEND_EVERY_MS) if (!socket.writableNeedDrain) socket.write(block);
      }, 5);
    });
  },
};

const [what, folder] = process.argv.slice(2);
if (!(what in TROUBLES)) throw new Error(`there is no trouble ${what}: ${Object.keys(TROUBLES).join(", ")}`);
TROUBLES[what](folder);
