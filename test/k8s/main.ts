/** The cluster suite: a namespace of its own on whatever cluster kubectl points at, each suite in turn, clean-up, a report. */
import { randomBytes } from "node:crypto";
import { Kubectl, KubectlError, type KubectlOptions } from "./kubectl.ts";
import { Stage, type Images, type Suite } from "./suite.ts";
import { ambassadorHttp } from "./suites/ambassador-http.ts";
import { dryRun } from "./suites/dry-run.ts";
import { inject } from "./suites/inject.ts";
import { job } from "./suites/job.ts";
import { leaderElector } from "./suites/leader-elector.ts";
import { rollout } from "./suites/rollout.ts";
import { workQueue } from "./suites/work-queue.ts";

export const SUITES: readonly Suite[] = [
  dryRun,
  inject,
  ambassadorHttp,
  rollout,
  job,
  leaderElector,
  workQueue,
];

/** Native sidecars are on by default from here. */
const OLDEST_MINOR = 29;

export interface RunOptions {
  /** Names; empty: all. */
  readonly names: readonly string[];
  readonly kubectl: Pick<KubectlOptions, "command" | "context">;
  /** Ends the run early: what is on its way is given up, and the clean-up follows. */
  readonly signal?: AbortSignal;
  readonly images: Images;
  /** Milliseconds; see Stage. */
  readonly times?: { readonly patience: number; readonly look: number };
  say(text: string): void;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Never throws for what the cluster does: a suite that fails, and a clean-up that does, is counted. */
export async function runSuites(options: RunOptions): Promise<Counts> {
  const { names, images, say } = options;
  const chosen = SUITES.filter(({ name }) => names.length === 0 || names.includes(name));
  const kubectl = new Kubectl(options.kubectl);
  const cluster = await reach(kubectl);
  if ("why" in cluster) {
    if (options.kubectl.context !== undefined) {
      say(`FAIL the cluster of context ${options.kubectl.context} cannot be used: ${cluster.why}\n`);
      return { passed: 0, failed: 1, skipped: chosen.length };
    }
    say(`no cluster, nothing was tried: ${cluster.why}\n`);
    return { passed: 0, failed: 0, skipped: chosen.length };
  }
  const namespace = `outrigger-test-${randomBytes(4).toString("hex")}`;
  say(`Kubernetes ${cluster.version}, namespace ${namespace}, images ${images.prefix}/*:${images.tag}\n`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    await kubectl.run(["create", "namespace", namespace]);
    for (const suite of chosen) {
      if (options.signal?.aborted) counts.skipped++;
      else await play(suite, kubectl.within(namespace, options.signal), options, counts);
    }
  } catch (error) {
    counts.failed++;
    say(`FAIL ${messageOf(error)}\n`);
  } finally {
    await cleanUp(kubectl, namespace, options, counts);
  }
  return counts;
}

/** The server's version, or why there is none to talk to. */
async function reach(kubectl: Kubectl): Promise<{ readonly version: string } | { readonly why: string }> {
  let text: string;
  try {
    text = await kubectl.run(["version", "--output=json", "--request-timeout=10s"]);
  } catch (error) {
    if (error instanceof KubectlError) return { why: error.message };
    throw error;
  }
  const { serverVersion: server } = JSON.parse(text) as {
    serverVersion?: { gitVersion: string; minor: string };
  };
  if (!server) return { why: "kubectl knows no server: is there a kubeconfig?" };
  if (Number.parseInt(server.minor, 10) < OLDEST_MINOR)
    return {
      why: `${server.gitVersion} has no native sidecars by default; 1.${OLDEST_MINOR} and newer have`,
    };
  return { version: server.gitVersion };
}

async function play(
  suite: Suite,
  kubectl: Kubectl,
  { images, times, signal, say }: RunOptions,
  counts: { passed: number; failed: number },
): Promise<void> {
  const began = performance.now();
  const notes: string[] = [];
  let problem: string | null = null;
  say(`     ${suite.name}: ${suite.promise} ...\n`);
  try {
    await suite.run(new Stage(kubectl, images, (line) => notes.push(line), times));
  } catch (error) {
    problem = messageOf(error);
  }
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  counts[problem === null ? "passed" : "failed"]++;
  say(`${problem === null ? "ok  " : "FAIL"} ${suite.name}  ${[...notes, `${seconds} s`].join(", ")}\n`);
  if (problem !== null)
    say(`${indent(signal?.aborted ? problem : `${problem}\n${await circumstances(kubectl)}`)}\n`);
}

/** What who looks for the reason asks first. */
async function circumstances(kubectl: Kubectl): Promise<string> {
  const questions = [
    ["get", "pods", "--output=wide"],
    ["get", "events", "--sort-by=.lastTimestamp"],
  ];
  const answers = await Promise.all(questions.map((words) => kubectl.run(words).catch(messageOf)));
  return answers.map((text) => text.trimEnd().split("\n").slice(-25).join("\n")).join("\n");
}

/** Everything is in the namespace, so that it goes with it. What stays is a failure, and said with its remedy. */
async function cleanUp(
  kubectl: Kubectl,
  namespace: string,
  { say }: RunOptions,
  counts: { failed: number },
): Promise<void> {
  try {
    await kubectl.run([
      "delete",
      "namespace",
      namespace,
      "--ignore-not-found",
      "--wait=true",
      "--timeout=180s",
    ]);
  } catch (error) {
    counts.failed++;
    say(
      `FAIL clean-up: ${messageOf(error)}\n     remove it yourself: kubectl delete namespace ${namespace}\n`,
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const indent = (text: string): string => text.replace(/^/gm, "     ");
