/**
 * What packages bring and a container does not use, or hardly ever: esbuild plugins that leave it out of the bundle, or put it
 * in a file that is read when it is used. A start reads and compiles all that is in the way; of the work queue's it was a quarter.
 */
import { join } from "node:path";
import { ROOT } from "../setup.mjs";

/** Modules that others stand for: who imports them, by which path, and what stands there. */
const STAND_INS = [
  // Its messages in 40 languages; ours are English.
  {
    of: "zod",
    path: /\/locales\/index\.js$/,
    source: 'export { default as en } from "zod/v4/locales/en.js";',
  },
  // Bull Board reads a Redis' INFO by it and by all of lodash. Ours shows no server, and asks for none.
  { of: "@bull-board/api", path: /^redis-info$/, source: "exports.parse = () => ({});" },
  // One server is dialled, whoever finds it; ioredis loads the others' clients with its own.
  { of: "ioredis", path: /^\.\/cluster$/, source: absentClass("default", "Redis Cluster") },
  { of: "ioredis", path: /\/SentinelConnector$/, source: absentClass("default", "Redis Sentinel") },
  // Of the 40 modules of semver BullMQ uses three.
  {
    of: "bullmq",
    path: /^semver$/,
    source: ["lt", "coerce", "valid"]
      .map((name) => `exports.${name}=require("semver/functions/${name}");`)
      .join(""),
  },
  // Machine code, which no bundle has; without it msgpackr does the same in JavaScript.
  { of: "msgpackr", path: /^msgpackr-extract$/, source: "module.exports = undefined;" },
  // Logs are written by the thread that makes them.
  { of: "pino", path: /^thread-stream$/, source: "module.exports = class ThreadStream {};" },
  { of: "pino", path: /^worker_threads$/, source: "exports.isMainThread = true;" },
];

function absentClass(name, what) {
  return `exports.${name} = class { constructor() { throw new Error("${what} is not in this image"); } };`;
}

const STAND_IN = {
  name: "stand-in",
  setup({ onResolve, onLoad }) {
    for (const [index, { of, path }] of STAND_INS.entries())
      onResolve({ filter: path }, ({ importer }) =>
        importer.includes(`/node_modules/${of}/`)
          ? { path: `${of} ${index}`, namespace: "stand-in", pluginData: index }
          : undefined,
      );
    onLoad({ filter: /./, namespace: "stand-in" }, ({ pluginData }) => ({
      contents: STAND_INS[pluginData].source,
      resolveDir: ROOT,
    }));
  },
};

/**
 * BullMQ as ES modules, of which only what is used is taken: its CommonJS, which Node would load, is one piece with drivers and
 * backends that this process does not have. Its modules only declare, which its package.json does not say.
 */
const BULLMQ_PARTS = {
  name: "bullmq-parts",
  setup({ onResolve, resolve }) {
    const entry = join(ROOT, "node_modules", "bullmq", "dist", "esm", "index.js");
    onResolve({ filter: /^(bullmq$|\.)/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      const isItsOwn = /\/node_modules\/bullmq\/dist\/esm\//.test(importer);
      if (pluginData === BULLMQ_PARTS || (path !== "bullmq" && !isItsOwn)) return undefined;
      const found = await resolve(path === "bullmq" ? entry : path, {
        ...{ importer, resolveDir, kind, pluginData: BULLMQ_PARTS },
      });
      return { ...found, sideEffects: false };
    });
  },
};

/**
 * Packages in a file of their own, which the first call reads: the rest waits neither for it nor because of it. Functions of
 * an export are called, at no other time than while something runs.
 */
const WHEN_CALLED = { "cron-parser": { CronExpressionParser: ["parse"] } };

/** The packages of WHEN_CALLED that a build has met are added to `met`. */
const whenCalled = (met) => ({
  name: "when-called",
  setup({ onResolve, onLoad }) {
    for (const name of Object.keys(WHEN_CALLED)) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "when-called" }));
      onResolve({ filter: new RegExp(`^\\./${name}\\.cjs$`) }, ({ path }) => ({ path, external: true }));
    }
    onLoad({ filter: /./, namespace: "when-called" }, ({ path: name }) => {
      met.add(name);
      const exports = Object.entries(WHEN_CALLED[name]).map(([exported, functions]) => {
        const calls = functions.map((each) => `${each}: (...words) => whole().${exported}.${each}(...words)`);
        return `export const ${exported} = { ${calls.join(", ")} };`;
      });
      return { contents: `const whole = () => require("./${name}.cjs");\n${exports.join("\n")}` };
    });
  },
});

/** @param {Set<string>} met gets the names of packages that are to stand beside the bundle, as NAME.cjs */
export const leaveOut = (met) => [STAND_IN, BULLMQ_PARTS, whenCalled(met)];
