/**
 * The calls of a Temporal server that jobs, batches and estimates are built on. They have two adapters: gRPC,
 * for Node, and the HTTP API, for every platform with `fetch`.
 */
import type { JobRecord } from './orchestrator.ts';

/** State of one run. */
export type RunState = Exclude<JobRecord['state'], 'cancelling'>;

/** One run of a workflow. */
export interface RunInfo {
  readonly workflowId: string;
  readonly runId: string;
  /** First run of the chain; empty in lists (server 1.29). */
  readonly firstRunId: string;
  readonly state: RunState;
  /** Both times are in RFC 3339, with milliseconds. */
  readonly startTime: string | undefined;
  readonly closeTime: string | undefined;
  readonly memo: Readonly<Record<string, unknown>>;
  /** Whether another workflow started it. */
  readonly isChild: boolean;
}

/** A run as `describe` returns it. */
export interface DescribedRun extends RunInfo {
  readonly cancelRequested: boolean;
  /** Whether it has activities in flight, none of which a worker has started. */
  readonly isWaiting?: boolean;
}

/** A search attribute and its value. */
export interface SearchAttribute {
  /** Must be registered in the namespace. */
  readonly name: string;
  readonly type: 'Keyword' | 'Int';
  readonly value: string | number;
}

/** Whether a workflow id may be used again after its last run has ended. */
export type ReusePolicy = 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY';

/** A run to start. */
export interface StartRun {
  readonly type: string;
  readonly workflowId: string;
  /** The one argument of the workflow. */
  readonly input: unknown;
  readonly memo: object;
  readonly attributes: readonly SearchAttribute[];
  readonly reuse: ReusePolicy;
  /** Inherited by all activities of the run. A fairness key has at most 64 bytes. */
  readonly priority: { readonly priorityKey: number; readonly fairnessKey: string };
}

/** A page of runs. */
export interface RunPage {
  readonly runs: readonly RunInfo[];
  /** Token of the next page, base64url. Absent on the last page. */
  readonly next?: string;
}

/** The backlog of an activity task queue. */
export interface Backlog {
  /** Number of waiting tasks by priority key. */
  readonly byPriority: ReadonlyMap<number, number>;
  /** Recently dispatched tasks per second. */
  readonly rate: number;
}

/**
 * Calls of a Temporal server. All but `ready` throw FrameloomError `unavailable` when it does not respond in
 * time.
 */
export interface TemporalWire {
  /**
   * Starts a run and returns its id. Returns undefined if a run is in flight or `reuse` forbids another one.
   */
  start(run: StartRun): Promise<string | undefined>;
  /** Returns the latest run, or undefined if none exists. */
  describe(workflowId: string): Promise<DescribedRun | undefined>;
  /** Lists runs by a visibility query, newest first. `from` is the token of a page. */
  list(request: {
    readonly query: string;
    readonly pageSize: number;
    readonly from?: string;
  }): Promise<RunPage>;
  /** Counts runs by a visibility query. */
  count(query: string): Promise<number>;
  /** Returns the backlog of an activity task queue. */
  backlog(queue: string): Promise<Backlog>;
  /** Signals the run in flight. Does nothing if there is none. */
  signal(workflowId: string, name: string, argument: unknown): Promise<void>;
  /** Requests the cancellation of the run in flight. Does nothing if there is none. */
  cancel(workflowId: string): Promise<void>;
  /** Ends the run in flight at once. Does nothing if there is none. */
  terminate(workflowId: string): Promise<void>;
  /** Deletes runs. Ignores runs that do not exist. */
  deleteRuns(workflowId: string, runIds: readonly string[]): Promise<void>;
  /** Returns whether the namespace is available. Never throws. */
  ready(): Promise<boolean>;
}

/** Default timeout of one call. */
export const RPC_TIMEOUT_MS = 10_000;
/** Timeout of `ready`. */
export const READY_TIMEOUT_MS = 2000;
