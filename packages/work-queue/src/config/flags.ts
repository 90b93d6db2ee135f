/** The flags of a work queue, each with its twin in the environment. */
import type { FlagDeclaration } from "@outrigger/core";

export const FLAGS: readonly FlagDeclaration[] = [
  {
    name: "role",
    key: ["role"],
    value: "front|worker|both",
    help: "take requests in, give them on, or both",
  },
  { name: "listen", key: ["listen"], value: "[HOST:]PORT", help: "for callers" },
  {
    name: "workload",
    key: ["workload"],
    value: "URL|files:DIR",
    help: "http://HOST:PORT of the workload, or the folder of a program that reads files",
  },
  {
    name: "scaler",
    key: ["scaler"],
    value: "[HOST:]PORT",
    help: "an external scaler for KEDA, of the front",
  },
  {
    name: "backend",
    key: ["backend"],
    value: "embedded:DIR|redis://HOST|postgres://HOST/DB",
    help: "where jobs are kept",
  },
  {
    name: "password-file",
    key: ["passwordFile"],
    value: "FILE",
    help: "the password of redis:// or postgres://",
  },
  { name: "allow-loss", key: ["allowLoss"], value: "no-aof,eviction", help: "what a Redis may lack" },
  { name: "blobs", key: ["blobs"], value: "backend|folder:PATH", help: "where bodies above 64 KiB are kept" },
  { name: "queue", key: ["queue"], value: "NAME", help: "the same for front and workers" },
  { name: "concurrency", key: ["concurrency"], value: "N|adaptive", help: "jobs that a worker runs at once" },
  {
    name: "ready",
    key: ["ready"],
    value: "tcp|PATH",
    help: "the workload is given jobs when this says it is ready",
  },
  { name: "drain-and-exit", key: ["drainAndExit"], help: "of role worker: ends when all jobs are done" },
  { name: "rate", key: ["rate"], value: "N/SPAN", help: "jobs that all workers begin, as 10/s" },
  {
    name: "rules",
    key: ["rules"],
    value: "RULE;RULE",
    help: "what passes, and what is queued how: 'GET,HEAD *=pass; POST /slow/*=queue?priority=5'",
  },
  {
    name: "schedules",
    key: ["schedules"],
    value: "SCHEDULE;SCHEDULE",
    help: "requests at their times: 'nightly = 0 3 * * * Europe/Berlin POST /reports; poll = every 10m GET /poll'",
  },
  { name: "board", key: ["board"], help: "Bull Board on the control server, read-only, payloads hidden" },
  { name: "backoff", key: ["backoff"], value: "DURATION", help: "most of the pause after a first attempt" },
  { name: "max-backoff", key: ["maxBackoff"], value: "DURATION", help: "most of any pause between attempts" },
  {
    name: "lock-duration",
    key: ["lockDuration"],
    value: "DURATION",
    help: "a silent worker keeps its jobs so long",
  },
  { name: "store-timeout", key: ["storeTimeout"], value: "DURATION", help: "until a caller is told 503" },
  { name: "attempts", key: ["attempts"], value: "N", help: "how often a job is tried" },
  { name: "webhooks", key: ["webhooks"], value: "URL,...", help: "are told of each job that has ended" },
  {
    name: "webhook-secret-file",
    key: ["webhookSecretFile"],
    value: "FILE",
    help: "the key of webhooks' signatures",
  },
];
