/** The flags of an elector, each with its twin in the environment: of the first election, and of the HTTP API. */
import type { FlagDeclaration } from "@outrigger/core";

export const FLAGS: readonly FlagDeclaration[] = [
  {
    name: "election",
    key: ["election"],
    value: "NAME",
    help: "what is led: the same for all its candidates",
  },
  { name: "id", key: ["id"], value: "ID", help: "this candidate's name" },
  {
    name: "store",
    key: ["store"],
    value: "kubernetes|redis://HOST|file:DIR|memory",
    help: "where the lease stands",
  },
  { name: "password-file", key: ["passwordFile"], value: "FILE", help: "the password of redis://" },
  { name: "namespace", key: ["namespace"], value: "NAMESPACE", help: "of the Lease" },
  { name: "http", key: ["http"], value: "[HOST:]PORT", help: "the HTTP API" },
  { name: "lease-duration", key: ["leaseDuration"], value: "DURATION", help: "how long a lease lasts" },
  {
    name: "renew-deadline",
    key: ["renewDeadline"],
    value: "DURATION",
    help: "how long a leader believes in it",
  },
  {
    name: "retry-period",
    key: ["retryPeriod"],
    value: "DURATION",
    help: "between renewals, and between looks",
  },
  { name: "campaign", key: ["campaign"], value: "auto|on-request", help: "whether it wants to lead unasked" },
  {
    name: "require-renewal",
    key: ["requireRenewal"],
    value: "DURATION",
    help: "it resigns unless POST /renewLeadership comes so often",
  },
  {
    name: "release-timeout",
    key: ["releaseTimeout"],
    value: "DURATION",
    help: "how long work may take to stop before it is cut",
  },
  {
    name: "release-delay",
    key: ["releaseDelay"],
    value: "DURATION",
    help: "the lease is kept so long after it",
  },
  { name: "address", key: ["address"], value: "HOST:PORT", help: "where others reach our forward port" },
  { name: "child", key: ["child"], value: "COMMAND", help: "runs only while this replica leads" },
  {
    name: "child-restart",
    key: ["childRestart"],
    value: "always|never",
    help: "when the child ends by itself",
  },
];
