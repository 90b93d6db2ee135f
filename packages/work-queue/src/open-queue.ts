/** Everything that stands on a reached backend: what keeps jobs, who waits for them, and who does them. */
import type { Milliseconds } from "@outrigger/core";
import type { QueueEventsProducer } from "bullmq";
import type { Backend } from "./backend/backend.ts";
import type { JobEvents } from "./backend/job-events.ts";
import { lostOr } from "./backend/lost-connection.ts";
import { openBackend } from "./backend/open-backend.ts";
import { opening } from "./backend/opening.ts";
import type { BlobStore } from "./blobs/blob-store.ts";
import { BlobSweep } from "./blobs/blob-sweep.ts";
import { Bodies } from "./blobs/bodies.ts";
import { openBlobs } from "./blobs/open-blobs.ts";
import type { WorkQueueConfig } from "./config/config.ts";
import { filesOf } from "./config/workload-option.ts";
import type { FileContractDeps } from "./files/file-contract.ts";
import type { LiveConfig } from "./config/live.ts";
import { Followers } from "./front/followers.ts";
import { JobWatches } from "./front/job-watches.ts";
import { Waits } from "./front/waits.ts";
import { isEnd, type Standing } from "./job/standing.ts";
import { Cancellations, cancellationsOf } from "./queue/cancellations.ts";
import { JobStore, type JobStoreDeps } from "./queue/job-store.ts";
import type { Board } from "./board/board.ts";
import type { Schedules } from "./schedules/schedules.ts";
import type { Contract } from "./worker/contract.ts";
import { HttpContract } from "./worker/http-contract.ts";
import { QueueWorker, type QueueWorkerDeps } from "./worker/queue-worker.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

export type OpenQueueDeps = Omit<
  QueueWorkerDeps,
  "cancellations" | "bodies" | "contract" | "pauseQueue" | "ending"
> &
  Pick<JobStoreDeps, "depthChanged">;

/** Longer than any of its words waits for an answer. */
const LONGEST_OPENING: Milliseconds = 60_000;

export class OpenQueue {
  readonly store: JobStore;
  readonly watches: JobWatches;
  readonly waits: Waits;
  readonly followers: Followers;
  /** null: this process does no jobs. */
  readonly worker: QueueWorker | null;
  /** Resolves when its backend cannot be used any more, by this process. */
  readonly ended: Promise<Error>;
  readonly #backend: Backend;
  readonly #cancels: QueueEventsProducer;
  /** null: this process does no jobs. */
  readonly #cancelled: JobEvents | null;
  readonly #sweep: BlobSweep;

  readonly #webhooks: Webhooks | null;
  /** null: another role's. */
  #schedules: Schedules | null = null;
  /** null: none is asked for. */
  #board: Board | null = null;

  private constructor(
    backend: Backend,
    blobs: BlobStore,
    config: WorkQueueConfig,
    deps: OpenQueueDeps,
    openWebhooks: OpenWebhooks | null,
    openContract: OpenContract,
  ) {
    const { clock, metrics, log, depthChanged } = deps;
    const bodies = new Bodies(blobs);
    const onError = (error: Error): void => log.warn({ err: error.message }, "the queue is not reached");
    this.#backend = backend;
    this.ended = backend.ended ?? new Promise(() => {});
    const openEvents = (name: string): JobEvents => backend.openEvents(name).on("error", onError);
    const producer = backend.openEventsProducer(cancellationsOf(config.queue));
    producer.on("error", onError);
    this.#cancels = producer;
    this.#cancelled = config.role === "front" ? null : openEvents(cancellationsOf(config.queue));
    const cancellations = new Cancellations(this.#cancelled, producer);
    this.store = new JobStore(backend, config, {
      ...{ clock, metrics, cancellations, bodies, onError, depthChanged },
    });
    this.#sweep = new BlobSweep({ blobs, clock, log, hasJob: (id) => this.store.has(id) });
    this.watches = new JobWatches({ clock, openEvents: () => openEvents(config.queue) });
    const asked = { clock, watches: this.watches, find: (id: string) => this.store.find(id) };
    this.waits = new Waits(asked);
    this.followers = new Followers(asked);
    const webhooks = openWebhooks?.(asked.find) ?? null;
    this.#webhooks = webhooks;
    this.worker =
      config.role === "front"
        ? null
        : new QueueWorker(backend, config, {
            ...deps,
            cancellations,
            bodies,
            contract: openContract({
              ...{ clock, log, bodies },
              isUnfinished: async (id) => !isEnd((await asked.find(id))?.state ?? "done"),
            }),
            pauseQueue: (span) => this.store.pause(span),
            ...(webhooks && { ending: (standing) => webhooks.keep(standing) }),
          });
  }

  /**
   * @param signal it is not wanted any more: what was opened is closed
   * @throws OutriggerError: `redis-unreachable`, `postgres-unreachable`, `backend-unreachable`; or why this backend will not do
   */
  static async open(config: WorkQueueConfig, deps: OpenQueueDeps, signal: AbortSignal): Promise<OpenQueue> {
    const openContract = await contractOf(config);
    const backend = await openBackend(config, deps.log, signal);
    // A database in the process answers, however long it takes.
    const limit = config.backend.kind === "embedded" ? null : LONGEST_OPENING;
    let queue = null as OpenQueue | null;
    try {
      return await opening(backend, deps.clock, limit, signal, async () => {
        const openWebhooks = await webhooksOf(backend, config, deps);
        const blobs = await openBlobs(config, backend, deps.clock);
        queue = new OpenQueue(backend, blobs, config, deps, openWebhooks, openContract);
        await queue.#start(config, deps);
        return queue;
      });
    } catch (thrown) {
      await (queue ?? backend).close();
      throw awayOr(thrown, config);
    }
  }

  async #start(config: WorkQueueConfig, deps: OpenQueueDeps): Promise<void> {
    // Before the first job can end: its word is kept then.
    await this.#webhooks?.start();
    // One that did not come to be is not tried again, on Postgres.
    await this.#cancels.waitUntilReady();
    await Promise.all([this.#cancelled?.waitUntilReady(), this.store.start(), this.worker?.start()]);
    if (config.role !== "worker") {
      this.#sweep.start();
      // Also without one: those of before are removed.
      const { Schedules } = await import("./schedules/schedules.ts");
      this.#schedules = new Schedules(this.#backend, config, { ...deps, store: this.store });
      await this.#schedules.start();
    }
    if (config.board) this.#board = await (await import("./board/board.ts")).openBoard(this.#backend, config);
  }

  /** null: another role's. */
  get schedules(): Schedules | null {
    return this.#schedules;
  }

  /** null: none is asked for. */
  get board(): Board | null {
    return this.#board;
  }

  /** For what comes from now on. */
  reload(config: LiveConfig): void {
    this.store.reload(config);
    this.#schedules?.reload(config);
    this.worker?.reload(config);
  }

  /** At once: attempts under way are another worker's. */
  async close(): Promise<void> {
    await Promise.all([this.#webhooks?.end(), this.#schedules?.end(), this.worker?.end(AbortSignal.abort())]);
    this.store.stop();
    this.#sweep.stop();
    await this.#backend.close();
  }
}

type OpenWebhooks = (find: (id: string) => Promise<Standing | null>) => Webhooks;

/** Loaded where a target is configured; null: none is. */
async function webhooksOf(
  backend: Backend,
  config: WorkQueueConfig,
  deps: OpenQueueDeps,
): Promise<OpenWebhooks | null> {
  const { webhooks, webhookSecretFile } = config;
  if (webhooks.length === 0 || webhookSecretFile === undefined) return null;
  const { Webhooks } = await import("./webhooks/webhooks.ts");
  return (find) => new Webhooks(backend, { ...config, webhookSecretFile }, { ...deps, find });
}

type OpenContract = (deps: FileContractDeps) => Contract;

/** @throws OutriggerError `folder-unusable` */
async function contractOf({ workload, role }: WorkQueueConfig): Promise<OpenContract> {
  const folder = filesOf(workload);
  if (folder === null || role === "front") return ({ bodies }) => new HttpContract(workload, bodies);
  const [{ FileContract }, { JobFiles }] = await Promise.all([
    import("./files/file-contract.ts"),
    import("./files/job-files.ts"),
  ]);
  const files = await JobFiles.open(folder);
  return (deps) => new FileContract(files, deps);
}

/** The backend is not there now, and may be later. */
/** A database in the process has no connection that could be lost. */
const awayOr = (thrown: unknown, { backend }: WorkQueueConfig): unknown =>
  backend.kind === "embedded" ? thrown : lostOr(thrown);

export const isAway = (code: string): boolean => code.endsWith("-unreachable");
