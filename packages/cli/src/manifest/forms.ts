/** The forms that values of the manifests have: names, paths, what Node can send, what its timers can hold. */
import { choice, integer, keyed, matching, type TypeOf } from "./schema.ts";

export const LABEL = matching(
  /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  "a DNS label: at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit",
);
export const SUBDOMAIN = matching(
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  "a DNS name: a-z, 0-9, - and ., beginning and ending with a letter or digit",
);
export const ABSOLUTE_PATH = matching(/^\//, "an absolute path");
export const ENV_NAME = matching(/^[^=\0]+$/, "a name without =");
export const HOST = matching(/^[A-Za-z0-9._:%[\]-]+$/, "a host name or an IP address");
/** What Node sends as it is; it throws on anything else. */
export const REQUEST_PATH = matching(
  /^[!-~]*$/,
  "a path of printable ASCII without blanks: write %20 for a blank, and every other byte as %XX too",
);
export const HEADER_NAME = matching(
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
  "a header's name (RFC 9110: letters, digits and -)",
);
export const HEADER_VALUE = matching(
  /^[\t\x20-\x7e\x80-\xff]*$/,
  "a header's value: one line, without control bytes and characters beyond U+00FF",
);
/** Node's timers end at 2^31 ms, 24.8 days. */
export const seconds = (min: number): TypeOf<number> => integer(min, 2_147_483);
/** Those that Linux and macOS both have; real-time signals are Linux's. */
export const SIGNAL = choice(
  ...(
    "SIGTERM SIGINT SIGQUIT SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGWINCH SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE " +
    "SIGILL SIGIO SIGPIPE SIGPROF SIGSEGV SIGSTOP SIGSYS SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGVTALRM SIGXCPU SIGXFSZ"
  ).split(" "),
);
/** Kubernetes' IsConfigMapKey: each becomes a file's name. */
export const dataOf = (of: TypeOf<string>): TypeOf<Readonly<Record<string, string>>> =>
  keyed(
    of,
    /^(?!\.\.)(?!\.$)[-._a-zA-Z0-9]{1,253}$/,
    "letters, digits, '-', '_' and '.', at most 253, not beginning with ..",
  );
