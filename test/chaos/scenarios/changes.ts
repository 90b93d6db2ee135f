/** Changes that are meant: other endpoints, another configuration. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fleet } from "../fleet.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { span, until } from "../../support/polling.ts";

const list = (addresses: readonly string[]): string => addresses.map((address) => `- ${address}\n`).join("");

/** As the kubelet writes a ConfigMap: files in a dated folder, `..data` links to it, and is replaced as a whole. */
function swapConfigMap(folder: string, version: number, text: string): void {
  const dated = join(folder, `..version_${version}`);
  mkdirSync(dated, { recursive: true });
  writeFileSync(join(dated, "endpoints.yaml"), text);
  symlinkSync(`..version_${version}`, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  if (version === 0) symlinkSync("..data/endpoints.yaml", join(folder, "endpoints.yaml"));
  else rmSync(join(folder, `..version_${version - 1}`), { recursive: true });
}

const mapped = (fleet: Fleet): string => join(fleet.folder, "configmap");
const edited = (fleet: Fleet): string => join(fleet.folder, "endpoints.yaml");

/** Leaves one backend out, waits until nothing arrives there any more, only then kills it; the next time it is back. */
async function rotate(stage: Stage, write: (text: string, version: number) => void): Promise<void> {
  const { fleet, workload } = stage;
  const versions = 3 * stage.rounds;
  await stage.calm();
  await stage.fault(`${versions} changes`, async () => {
    for (let version = 1; version <= versions; version++) {
      const out = fleet.at(version % 3);
      const others = fleet.backends.filter((backend) => backend !== out);
      write(list(others.map(({ address }) => address)), version);
      await until(`${out.name} is left alone`, async () => {
        const [arrived, sent] = [out.arrivals().length, workload.sent];
        await until("more requests are sent", () => workload.sent > sent + 200);
        // What had arrived before is answered, too: nothing of it is there to be cut, so nothing needs to be sent twice.
        return (
          out.arrivals().length === arrived && out.arrivals().every(({ id }) => workload.answeredBy.has(id))
        );
      });
      await out.kill();
      await span(200);
      await out.start();
    }
  });
  write(list(fleet.addresses), versions + 1);
  await stage.mend(() => {});
}

function changed(config: object, settings: object): string {
  const { routes, ...rest } = config as { routes: object[] };
  return JSON.stringify({ ...rest, routes: routes.map((route) => ({ ...route, ...settings })) });
}

export const changeScenarios: readonly Scenario[] = [
  {
    name: "endpoints-swapped",
    promise:
      "the endpoints' file is swapped as a ConfigMap is, and who is no longer in it is killed: no GET fails, none is sent twice",
    atMostOnce: true,
    route(fleet) {
      mkdirSync(mapped(fleet));
      swapConfigMap(mapped(fleet), 0, list(fleet.addresses));
      return { endpoints: [], discovery: "file", discoveryFile: join(mapped(fleet), "endpoints.yaml") };
    },
    async play(stage) {
      await rotate(stage, (text, version) => swapConfigMap(mapped(stage.fleet), version, text));
    },
  },
  {
    name: "endpoints-edited",
    promise:
      "the endpoints' file is rewritten in place, and who is no longer in it is killed: no GET fails, none is sent twice",
    atMostOnce: true,
    route(fleet) {
      writeFileSync(edited(fleet), list(fleet.addresses));
      return { endpoints: [], discovery: "file", discoveryFile: edited(fleet) };
    },
    async play(stage) {
      await rotate(stage, (text) => writeFileSync(edited(stage.fleet), text));
    },
  },
  {
    name: "reload",
    promise:
      "the configuration is rewritten, by SIGHUP and by being watched, and refused when invalid: no GET fails",
    async play(stage) {
      const { ambassador, fleet } = stage;
      const config = ambassador.document({ endpoints: fleet.addresses });
      const reloads = (result: string): Promise<number> =>
        ambassador.metric("outrigger_config_reloads_total", `result="${result}"`);
      const before = { success: await reloads("success"), refused: await reloads("refused") };
      await stage.calm();
      const rounds = 5 * stage.rounds;
      await stage.fault(`${3 * rounds} reloads, a third of them invalid`, async () => {
        for (let round = 1; round <= rounds; round++) {
          // Now with one endpoint less, now with other settings; told by SIGHUP or seen by the watch.
          const endpoints = round % 2 === 0 ? fleet.addresses : fleet.addresses.slice(1);
          ambassador.write(changed(config, { endpoints, retries: 2 + (round % 3), ejectTime: "2s" }));
          if (round % 2 === 0) ambassador.program.kill("SIGHUP");
          const wanted = before.success + 2 * round - 1;
          await until("the change is in use", async () => (await reloads("success")) >= wanted);
          ambassador.write(changed(config, { endpoints: [], retries: -1 }));
          ambassador.program.kill("SIGHUP");
          const refused = before.refused + round;
          await until("what is invalid is refused", async () => (await reloads("refused")) >= refused);
          // A change may be told twice, by SIGHUP and by the watch: what counts is that it is in use.
          ambassador.write(changed(config, { endpoints: fleet.addresses }));
          ambassador.program.kill("SIGHUP");
          await until("it is as it was", async () => (await reloads("success")) >= wanted + 1);
        }
      });
      await stage.mend(() => {});
      stage.check("the ambassador is the same process all along", ambassador.program.alive);
    },
  },
];
