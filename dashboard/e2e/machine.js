// Whether a time that is measured here means anything.

import { cpus } from "node:os";

const LOOK_MS = 1000;

/** The share of all cores' time that nothing used, over a moment in which this test does nothing either. */
export async function idleShare() {
  const before = times();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const after = times();
  return (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

function times() {
  const sums = { idle: 0, all: 0 };
  for (const { times: one } of cpus()) {
    sums.idle += one.idle;
    sums.all += one.idle + one.user + one.nice + one.sys + one.irq;
  }
  return sums;
}
