/** Many seeds of one field, for the soak: `node simulate.js FIELD FIRST COUNT`; tells how it stands over IPC, at last with `done`. */
import { simulate, type SimulationOptions } from "./simulation.ts";

const [field, first, count] = process.argv.slice(2) as [
  NonNullable<SimulationOptions["field"]>,
  string,
  string,
];
const tally = { field, seeds: 0, acquisitions: 0, faults: 0, broken: [] as string[], done: false };
const tell = (): void => void process.send?.(tally);
const end = Number(first) + Number(count);
const tenth = Math.ceil(Number(count) / 10);
for (let seed = Number(first); seed < end; seed++) {
  const { broken, acquisitions, otherAcquisitions, faults } = simulate({ seed, field });
  tally.seeds++;
  tally.acquisitions += acquisitions + otherAcquisitions;
  tally.faults += faults;
  if (broken !== null && tally.broken.length < 10) tally.broken.push(`seed ${seed}: ${broken}`);
  if (tally.seeds % tenth === 0) {
    tell();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
tally.done = true;
tell();
process.disconnect?.();
