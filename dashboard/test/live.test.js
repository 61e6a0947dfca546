// The channel over sockets and a server that the test plays.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

globalThis.document = /** @type {any} */ ({ baseURI: "http://watch.example/sysmon/" });
const { Channel, worstOf } = await import("../src/live.js");
const { ApiError } = await import("../src/api.js");

class FakeSocket extends EventTarget {
  closed = false;
  close() {
    this.closed = true;
  }
  /** @param {unknown} frame */
  tell(frame) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(frame) }));
  }
  fail() {
    this.dispatchEvent(new Event("close"));
  }
}

const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

function stage({ answers = true, random = () => 1, silence = undefined } = {}) {
  const world = { sockets: [], frames: [], states: [], polls: 0, answers };
  world.channel = new Channel({
    open: () => {
      world.sockets.push(new FakeSocket());
      return world.sockets.at(-1);
    },
    poll: async () => {
      world.polls += 1;
      if (world.answers instanceof Error) throw world.answers;
      if (!world.answers) throw new TypeError("Failed to fetch");
      return [{ type: "polled" }];
    },
    onFrame: (frame) => world.frames.push(frame.type),
    random,
    silence,
  });
  world.channel.changed.listen((state) => world.states.push(state));
  world.channel.start();
  return world;
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

test("a socket that speaks is live", () => {
  const world = stage();
  world.sockets[0].tell({ type: "static" });
  world.sockets[0].tell({ type: "sample" });
  assert.deepEqual([world.frames, world.states, world.polls], [["static", "sample"], ["live"], 0]);
});

test("where no socket can be had it polls every five seconds and tries again", async () => {
  const world = stage();
  world.sockets[0].fail();
  await settle();
  assert.deepEqual([world.states, world.polls, world.frames], [["polling"], 1, ["polled"]]);
  mock.timers.tick(5000);
  await settle();
  assert.equal(world.polls, 2);
  assert.equal(world.sockets.length, 2);
  world.sockets[1].tell({ type: "static" });
  mock.timers.tick(60_000);
  await settle();
  assert.deepEqual([world.states.at(-1), world.polls], ["live", 2]);
});

test("a server that is gone is lost, asked again with growing patience, and found", async () => {
  const world = stage({ answers: false });
  world.sockets[0].tell({ type: "static" });
  const waits = [];
  for (let attempt = 0; attempt < 6; attempt += 1) {
    world.sockets.at(-1).fail();
    await settle();
    assert.equal(world.channel.state, "lost");
    waits.push(Math.round((world.channel.retryAt - performance.now()) / 1000));
    mock.timers.tick(waits.at(-1) * 1000);
    assert.equal(world.sockets.length, attempt + 2);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 15, 15]);
  world.sockets.at(-1).tell({ type: "static" });
  assert.equal(world.channel.state, "live");
});

test("the wait is anything from nothing to its limit", async () => {
  const world = stage({ answers: false, random: () => 0 });
  world.sockets[0].fail();
  await settle();
  mock.timers.tick(0);
  assert.equal(world.sockets.length, 2);
});

test("a refusal is an answer, a broken server is none", async () => {
  const check = async (answers, state) => {
    const world = stage({ answers });
    world.sockets[0].fail();
    await settle();
    assert.equal(world.channel.state, state);
    world.channel.end();
  };
  await check(new ApiError(404, "unknown_host", "no such host"), "polling");
  await check(new ApiError(502, "", "bad gateway"), "lost");
});

test("a socket that opens and says nothing, or falls silent, is dead", async () => {
  const mute = stage();
  mock.timers.tick(5000);
  await settle();
  assert.deepEqual([mute.channel.state, mute.sockets[0].closed], ["polling", true]);
  const silent = stage({ silence: 10_000 });
  silent.sockets[0].tell({ type: "fleet" });
  mock.timers.tick(9999);
  assert.equal(silent.channel.state, "live");
  mock.timers.tick(1);
  await settle();
  assert.equal(silent.channel.state, "polling");
});

test("after the end nothing happens any more", async () => {
  const world = stage();
  world.channel.end();
  world.sockets[0].fail();
  world.sockets[0].tell({ type: "sample" });
  mock.timers.tick(100_000);
  await settle();
  assert.deepEqual([world.sockets.length, world.polls, world.frames, world.states], [1, 0, [], []]);
});

test("a stream that is no longer JSON is left", async () => {
  const world = stage();
  world.sockets[0].tell({ type: "static" });
  world.sockets[0].dispatchEvent(Object.assign(new Event("message"), { data: "{" }));
  await settle();
  assert.deepEqual([world.sockets[0].closed, world.channel.state], [true, "polling"]);
});

test("the worst of several links is told", () => {
  assert.equal(worstOf(["live", "polling"]), "polling");
  assert.equal(worstOf(["polling", "lost"]), "lost");
  assert.equal(worstOf(["live", "live"]), "live");
});
