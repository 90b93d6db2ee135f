/**
 * node made.mjs < LOGS: reads the logs of the shop and of all thumbnailers, whatever stands before a line, and says whether each
 * picture that was accepted was made. Twice is no loss: at least once is what is promised. Exits 1 where one was not made, or
 * none was accepted.
 */
import { text } from "node:stream/consumers";

const log = await text(process.stdin);
const wordsAfter = (verb) =>
  [...log.matchAll(new RegExp(`\\b${verb} ((?:picture-\\d+ ?)+)`, "g"))].flatMap(([, names]) =>
    names.trim().split(" "),
  );
const accepted = new Set(wordsAfter("accepted"));
const times = new Map();
for (const name of wordsAfter("made")) times.set(name, (times.get(name) ?? 0) + 1);
const lost = [...accepted].filter((name) => !times.has(name));
const again = [...times.values()].filter((count) => count > 1).length;
process.stdout.write(
  `${accepted.size} pictures accepted, ${times.size} made, ${lost.length} lost, ${again} made more than once\n`,
);
if (lost.length > 0) process.stdout.write(`lost: ${lost.join(" ")}\n`);
process.exitCode = lost.length > 0 || accepted.size === 0 ? 1 : 0;
