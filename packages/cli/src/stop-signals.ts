/** The signals that stop a run: a closed terminal (SIGHUP) is one. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
