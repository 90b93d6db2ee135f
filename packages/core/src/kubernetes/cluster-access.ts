/** Where an API server is, and what proves to it who we are. */
import type { Clock } from "../time/clock.ts";

/** All as PEM or plain text; null: there is none. */
export interface Credentials {
  readonly token: string | null;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface ClusterAccess {
  /** A path in it stands before that of each request. */
  readonly server: URL;
  /** That of the service account, or of the context; null: none is said. */
  readonly namespace: string | null;
  /** The name that the server's certificate must have, where that is not the URL's. */
  readonly serverName: string | null;
  /** The server's certificate is not looked at. */
  readonly insecure: boolean;
  /** Where all this was read, for messages. */
  readonly source: string;
  /** As they are now: files are read again, at most each 10 s. */
  credentials(): Promise<Credentials>;
  /** The server did not take them: files are read again at the next call. */
  refused(): void;
}

export interface AccessOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Default: where the kubelet mounts it. */
  readonly serviceAccount?: string;
}
