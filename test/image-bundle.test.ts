/** The files that an image carries: they start, say what is in them, and come out the same each time. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { startContainer } from "@outrigger/core/testing/container";

// From dist: scripts are not compiled.
const scripts = new URL("../../scripts/", import.meta.url);
const { bundle } = (await import(new URL("images/bundle.mjs", scripts).href)) as {
  bundle(
    pattern: object,
    rootfs: string,
    packages: object,
  ): Promise<{ bytes: number; packages: { name: string }[] }>;
};
const { fixStats } = (await import(new URL("images/file-stats.mjs", scripts).href)) as {
  fixStats(folder: string): void;
};
const { findEngine } = (await import(new URL("images/engine.mjs", scripts).href)) as {
  findEngine(name: string): { build(folder: string, tag: string, base?: string): void };
};
const { images } = (await import(new URL("images/images.mjs", scripts).href)) as {
  images(): { name: string; pattern: { name: string }; packages: object; manifest: { version: string } }[];
};

const folder = mkdtempSync(join(tmpdir(), "outrigger-bundle-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const { name: imageName, pattern, packages: whole, manifest } of images()) {
  const rootfs = join(folder, imageName);
  const main = join(rootfs, "outrigger", "dist", "main.mjs");
  const read = (name: string): string => readFileSync(join(rootfs, "outrigger", name), "utf8");
  const modules = (home = rootfs): string[] =>
    readdirSync(join(home, "outrigger", "dist")).map((name) => join("dist", name));

  test(`${imageName}: the bundle needs nothing beside it, tells its version and prints its manual`, async () => {
    await bundle(pattern, rootfs, whole);
    for (const [flag, expected] of [
      ["--version", `outrigger-${pattern.name} ${manifest.version}`],
      ["--help", "usage: outrigger-"],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, flag], {
        encoding: "utf8",
        cwd: "/",
        timeout: 60_000,
      });
      assert.deepEqual([status, stderr], [0, ""]);
      assert.ok(stdout.toLowerCase().includes(expected.toLowerCase()), stdout);
    }
  });

  test(`${imageName}: a SIGTERM that comes while it is loading ends it, as PID 1, too: nothing is open yet`, () => {
    // The bundle's first call of this is the first of its statements after the handlers.
    const strike =
      "const get = process.getBuiltinModule; process.getBuiltinModule = (name) => (process.kill(process.pid, process.env.STRIKE), process.getBuiltinModule = get, get(name));";
    const preload = `data:text/javascript,${encodeURIComponent(strike)}`;
    const struck = (signal: string) =>
      spawnSync(process.execPath, ["--import", preload, main, "--version"], {
        encoding: "utf8",
        timeout: 60_000,
        env: { ...process.env, STRIKE: signal },
      });
    for (const name of ["SIGTERM", "SIGINT"]) {
      const { status, signal } = struck(name);
      assert.deepEqual([status, signal], [0, null], name);
    }
    assert.match(struck("SIGHUP").stdout, /^outrigger-/, "there is no configuration to read again yet");
  });

  test(`${imageName}: a wrong flag has its whole message in it`, () => {
    const { status, stderr } = spawnSync(process.execPath, [main, "--grace", "soon"], { encoding: "utf8" });
    assert.equal(status, 2);
    // zod's other forty languages are left out.
    for (const name of modules()) assert.ok(!/Ungültig|invalide|無効/.test(read(name)), name);
    assert.match(stderr, /--grace: .*found "soon", accepted: a duration with its unit/);
  });

  test(`${imageName}: every package in it is in the list of parts, with its licence's text`, async () => {
    const { packages } = await bundle(pattern, rootfs, whole);
    const names = packages.map(({ name }) => name);
    for (const name of ["zod", "yaml", "pino"]) assert.ok(names.includes(name), name);
    const { components } = JSON.parse(read("sbom.cdx.json")) as {
      components: { name: string; purl: string }[];
    };
    assert.deepEqual(
      components.map(({ name }) => name),
      names,
    );
    const licences = read("THIRD-PARTY-LICENSES");
    for (const { purl } of components) {
      const [, name, version] = /^pkg:npm\/(.+)@([^@]+)$/.exec(decodeURIComponent(purl)) ?? [];
      assert.ok(licences.includes(`\n${name} ${version} (`), purl);
      const home = new URL(`../node_modules/${name}/`, scripts);
      for (const file of readdirSync(home).filter((entry) => /^licen[cs]e/i.test(entry)))
        assert.ok(licences.includes(readFileSync(new URL(file, home), "utf8").trim()), `${purl} ${file}`);
    }
  });

  test(`${imageName}: whoever runs the image may read it, whatever the umask it was built under`, async () => {
    const strict = join(folder, `${imageName}-strict`);
    const before = process.umask(0o077);
    try {
      await bundle(pattern, strict, whole);
    } finally {
      process.umask(before);
    }
    for (const entry of [".", ...readdirSync(strict, { recursive: true, encoding: "utf8" })]) {
      const stat = statSync(join(strict, entry));
      assert.equal((stat.mode & 0o7777).toString(8), stat.isDirectory() ? "755" : "644", entry);
    }
  });

  test(`${imageName}: a second bundle has the same bytes`, async () => {
    const again = join(folder, `${imageName}-again`);
    await bundle(pattern, rootfs, whole);
    await bundle(pattern, again, whole);
    assert.deepEqual(modules(again), modules());
    for (const name of [...modules(), "sbom.cdx.json", "THIRD-PARTY-LICENSES", "package.json", "LICENSE"])
      assert.ok(read(name) === readFileSync(join(again, "outrigger", name), "utf8"), name);
  });
}

/** Starts a bundle, stops it when it is ready. @returns which of these modules of Node it had loaded */
async function loadedBy(pattern: string, words: readonly string[], modules: RegExp): Promise<string> {
  const main = join(folder, pattern, "outrigger", "dist", "main.mjs");
  const loaded = `process.on("exit",()=>console.log("loaded "+process.moduleLoadList.filter(m=>${modules}.test(m)).join()));`;
  const child = spawn(
    process.execPath,
    [
      ...["--import", `data:text/javascript,${encodeURIComponent(loaded)}`, main],
      ...["--probe", "127.0.0.1:0", "--control", "off", ...words],
    ],
    { stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 },
  );
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('"msg":"ready"')) child.kill("SIGTERM");
  }
  if (child.exitCode === null) await once(child, "exit");
  assert.equal(child.exitCode, 0, lines.join("\n"));
  return /^loaded (.*)$/.exec(lines.at(-1) ?? "")?.[1] ?? lines.join("\n");
}

test("ambassador: the bundle becomes ready, loads no undici, and ends on SIGTERM", async () => {
  assert.equal(await loadedBy("ambassador", ["--route", "0=http://127.0.0.1:9"], /undici/), "");
});

test("leader-elector: what a configuration does not use is in the bundle and is not evaluated", async () => {
  const election = ["--election", "ticker", "--http", "0"];
  // What ioredis, http-proxy and the cluster's client load of Node, and nothing else of ours.
  const theirs = /NativeModule (tls|https)$|undici/;
  const loaded = (...words: string[]): Promise<string> =>
    loadedBy("leader-elector", [...election, ...words], theirs);
  assert.equal(await loaded("--store", "memory"), "");
  assert.equal(await loaded("--store", `file:${join(folder, "elections")}`), "");
  // The test bites.
  const forward = await loaded("--store", "memory", "--forward", "0=http://127.0.0.1:9");
  assert.match(forward, /NativeModule https/);
});

test("work-queue-embedded: the image makes its database and opens it, with nothing beside it", async () => {
  const queue = join(folder, "queue");
  await loadedBy(
    "work-queue-embedded",
    ["--backend", `embedded:${queue}`, "--listen", "127.0.0.1:0"],
    /undici/,
  );
  assert.ok(readdirSync(queue).includes("postgres"));
});

test("work-queue: the image without a database names the one that has it", () => {
  const main = join(folder, "work-queue", "outrigger", "dist", "main.mjs");
  const words = [
    "--backend",
    `embedded:${join(folder, "none")}`,
    "--probe",
    "127.0.0.1:0",
    "--control",
    "off",
  ];
  const { status, stdout } = spawnSync(process.execPath, [main, ...words], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 1);
  assert.match(stdout, /"code":"no-embedded".*use the image outrigger-work-queue-embedded/);
});

test("what is imported when it is used has its names in a bundle: YAML to print, ioredis to lead by", async () => {
  for (const [name, words, line] of [
    ["ambassador", ["--route", "0=http://127.0.0.1:9"], "  - listen: 0\n"],
    ["leader-elector", ["--election", "ticker", "--store", "memory"], "election: ticker\n"],
    ["work-queue", ["--backend", "redis://127.0.0.1:9"], "role: both\n"],
  ] as const) {
    const main = join(folder, name, "outrigger", "dist", "main.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, "--print-config", ...words], {
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.deepEqual([status, stderr], [0, ""], name);
    assert.ok(stdout.includes(line), stdout);
  }
  if (noRedisServer !== false) return;
  const redis = await RedisServer.start();
  const main = join(folder, "leader-elector", "outrigger", "dist", "main.mjs");
  const elector = await startContainer(main, [
    ...["--election", "ticker", "--store", redis.url, "--http", "0", "--settle", "0s"],
  ]);
  await elector.line(/^leadership acquired/);
  elector.child.kill("SIGTERM");
  assert.equal(await elector.exited, 0);
  await redis.end();
});

for (const [kind, start, skip] of [
  ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
  ["Postgres", () => PostgresServer.start(), noPostgresServer],
] as const)
  test(`work-queue: the image does a job, with BullMQ's ES modules, on ${kind}`, { skip }, async () => {
    const server = await start();
    const workload = createServer((request, response) => void request.pipe(response));
    await new Promise<void>((resolve) => workload.listen(0, "127.0.0.1", resolve));
    const { port } = workload.address() as AddressInfo;
    const queue = await startContainer(join(folder, "work-queue", "outrigger", "dist", "main.mjs"), [
      ...["--backend", server.url, "--workload", `http://127.0.0.1:${port}`],
      ...["--listen", "127.0.0.1:0", "--settle", "0s"],
      // What reads cron's fields is in a file of its own, for us and for BullMQ.
      ...["--schedules", "yearly = 0 0 29 2 * POST /"],
    ]);
    const answer = await fetch(`http://127.0.0.1:${queue.port}/`, {
      ...{ method: "POST", body: "echo", headers: { prefer: "wait=30" } },
    });
    assert.deepEqual([answer.status, await answer.text()], [200, "echo"]);
    queue.child.kill("SIGTERM");
    assert.equal(await queue.exited, 0);
    workload.close();
    await server.end();
  });

test("what reads YAML and cron's fields is in the image, and out of the way of a start that needs neither", () => {
  for (const name of ["ambassador", "leader-elector", "work-queue"]) {
    const dist = join(folder, name, "outrigger", "dist");
    const startsWith = new Set<string>();
    const follow = (file: string): void => {
      if (startsWith.has(file)) return;
      startsWith.add(file);
      for (const [, next] of readFileSync(join(dist, file), "utf8").matchAll(/from"\.\/([^"]+)"/g))
        follow(next as string);
    };
    follow("pattern.mjs");
    for (const file of readdirSync(dist).filter((each) => each.startsWith("redis-backend"))) follow(file);
    const holders = readdirSync(dist).filter((file) =>
      /node_modules\/(yaml|cron-parser)\/dist/.test(readFileSync(join(dist, file), "utf8")),
    );
    assert.equal(holders.length, name === "work-queue" ? 2 : 1, holders.join());
    assert.deepEqual(
      holders.filter((file) => startsWith.has(file)),
      [],
      name,
    );
  }
  const main = join(folder, "work-queue", "outrigger", "dist", "main.mjs");
  const words = ["--check-config", "--backend", "redis://127.0.0.1:9", "--schedules"];
  const check = (schedule: string) =>
    spawnSync(process.execPath, [main, ...words, schedule], { encoding: "utf8", timeout: 60_000 });
  assert.equal(check("leap = 0 0 29 2 * POST /").status, 0);
  assert.match(check("never = 0 0 31 2 * POST /").stderr, /0 0 31 2 \* is no time/);
});

test("work-queue: a scaler has gRPC out of the bundle, which is not evaluated where none is asked for", async () => {
  const front = ["--role", "front", "--listen", "127.0.0.1:0", "--backend", "redis://127.0.0.1:9"];
  const loaded = (...words: string[]): Promise<string> =>
    loadedBy("work-queue", [...front, ...words], /NativeModule http2$/);
  assert.equal(await loaded(), "");
  assert.match(await loaded("--scaler", "127.0.0.1:0"), /http2/);
});

test("docker is told to load what it builds, without an option that Docker Desktop's store refuses", () => {
  const bin = mkdtempSync(join(folder, "docker-"));
  // buildkit's own words (moby/buildkit#4230).
  const refusal = 'exporter option "rewrite-timestamp" conflicts with "unpack"';
  const stub = `#!/bin/sh
echo "$SOURCE_DATE_EPOCH $@" >> ${bin}/calls
case "$*" in *rewrite-timestamp*) echo '${refusal}' >&2; exit 1;; esac
`;
  writeFileSync(join(bin, "docker"), stub, { mode: 0o755 });
  const path = process.env["PATH"];
  process.env["PATH"] = `${bin}:${path}`;
  try {
    findEngine("docker").build("/context", "a/b:1", "base:1");
  } finally {
    process.env["PATH"] = path;
  }
  assert.equal(
    readFileSync(join(bin, "calls"), "utf8").split("\n")[1],
    "0 buildx build --load --provenance=false --tag a/b:1 --file /context/Containerfile --build-arg BASE_IMAGE=base:1 /context",
  );
});

test("a program stays one for everybody, a link that leads nowhere is left alone, and nothing has a time of its own", () => {
  const home = mkdtempSync(join(folder, "modes-"));
  for (const [name, mode] of [
    ["program", 0o700],
    ["text", 0o600],
  ] as const) {
    writeFileSync(join(home, name), "");
    chmodSync(join(home, name), mode);
  }
  symlinkSync("nowhere", join(home, "link"));
  fixStats(home);
  const modeOf = (name: string): string => (statSync(join(home, name)).mode & 0o7777).toString(8);
  assert.deepEqual(["program", "text", "."].map(modeOf), ["755", "644", "755"]);
  // docker copies times into its layers: they must be the same each time.
  for (const name of ["program", "text", "link", "."])
    assert.equal(lstatSync(join(home, name)).mtimeMs, 0, name);
});
