/**
 * node ticks.mjs [--gap SECONDS] < LOGS: reads the ticks of all replicas, whatever stands before them on a line, and says
 * whether it was one ticker. Late are those in whose second, or before it, one with a newer token has ticked: of a replica
 * that was paused and does not know yet, which whoever is acted upon refuses by its token. Of the others no second may have
 * two. Exits 1 where one has, nothing has ticked, or a gap is longer.
 */
import { parseArgs } from "node:util";
import { text } from "node:stream/consumers";

const { values } = parseArgs({ options: { gap: { type: "string" } } });
const ticks = [...(await text(process.stdin)).matchAll(/\btick (\S+Z) token (\d+)/g)]
  .map(([, time, token]) => ({ time, at: Date.parse(time) / 1000, token: Number(token) }))
  .sort((a, b) => Math.floor(a.at) - Math.floor(b.at) || b.token - a.token || a.at - b.at);
const current = [];
const late = [];
for (const tick of ticks) (tick.token < (current.at(-1)?.token ?? 0) ? late : current).push(tick);
const problems = current.length === 0 ? ["nothing has ticked"] : [];
let longest = 0;
for (const [index, tick] of current.entries()) {
  const before = current[index - 1];
  if (before === undefined) continue;
  longest = Math.max(longest, tick.at - before.at);
  if (Math.floor(tick.at) === Math.floor(before.at))
    problems.push(
      `two ticks in one second: ${before.time} token ${before.token}, ${tick.time} token ${tick.token}`,
    );
}
if (longest > Number(values.gap ?? Infinity))
  problems.push(`a gap of ${longest.toFixed(1)} s is longer than ${values.gap} s`);
const tokens = [...new Set(current.map(({ token }) => token))].join(" ");
process.stdout.write(
  `${current.length} ticks, no second with two, tokens ${tokens}, longest gap ${longest.toFixed(1)} s, ${late.length} late under an older token\n`.replace(
    "no second with two",
    problems.length > 0 ? "NOT ONE TICKER" : "no second with two",
  ),
);
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
