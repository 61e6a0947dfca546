// Which series can be compared instead of the six, and how its chart is made.

import { splitKey } from "../lib/series_key.js";
import { groupOf, specOf, titleOf } from "../series_title.js";
import { GROUPS } from "../panels.js";

/** @typedef {import("../state.js").HostData} HostData */
/** @typedef {{ title: string, series: { key: string, title: string }[] }} Group */

/**
 * The series that at least two of the hosts have, or the one has, in the groups of a host's page.
 * @param {readonly HostData[]} hosts
 * @returns {Group[]}
 */
export function comparableSeries(hosts) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { series } of hosts) for (const key of series.keys()) counts.set(key, (counts.get(key) ?? 0) + 1);
  const least = Math.min(2, hosts.length);
  const keys = [...counts].filter(([, count]) => count >= least).map(([key]) => key);
  /** @type {Map<string, Group["series"]>} */
  const groups = new Map();
  for (const key of keys) {
    const name = splitKey(key);
    const group = groupOf(name.metric);
    groups.set(group, [...(groups.get(group) ?? []), { key, title: titleOf(name) }]);
  }
  return GROUPS.flatMap(({ name, title }) => {
    const series = groups.get(name)?.sort((a, b) => (a.title < b.title ? -1 : 1)) ?? [];
    return series.length === 0 ? [] : [{ title, series }];
  });
}

/**
 * @param {string} key
 * @param {readonly HostData[]} hosts
 * @returns {import("../compared.js").Chart}
 */
export function chartOfSeries(key, hosts) {
  const { metric, tags } = splitKey(key);
  const { unit, max, floor } = specOf(metric);
  const told = hosts.map((data) => data.series.get(key)?.unit).find(Boolean);
  return { metric, tags, title: titleOf({ metric, tags }), unit: unit ?? told ?? "count", max, floor };
}
