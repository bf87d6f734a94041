/**
 * How Temporal's server is asked. Over gRPC (Node) and over its HTTP API (wherever `fetch` is) the same few questions are put and
 * the same answers come back, so that what jobs and batches are made of them is written once.
 */
import type { JobRecord } from './orchestrator.ts';

export type RunState = Exclude<JobRecord['state'], 'cancelling'>;

/** One run of a workflow. */
export interface RunInfo {
  readonly workflowId: string;
  readonly runId: string;
  /** First run of the chain; empty in lists (server 1.29). */
  readonly firstRunId: string;
  readonly state: RunState;
  /** RFC 3339, in milliseconds; likewise below. */
  readonly startTime: string | undefined;
  readonly closeTime: string | undefined;
  readonly memo: Readonly<Record<string, unknown>>;
  /** Whether another workflow started it. */
  readonly isChild: boolean;
}

export interface DescribedRun extends RunInfo {
  readonly cancelRequested: boolean;
}

export interface SearchAttribute {
  /** Must be registered in the namespace. */
  readonly name: string;
  readonly type: 'Keyword' | 'Int';
  readonly value: string | number;
}

/** When a workflow id whose last run has ended may be used again. */
export type ReusePolicy = 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE' | 'ALLOW_DUPLICATE_FAILED_ONLY';

export interface StartRun {
  readonly type: string;
  readonly workflowId: string;
  /** The one argument of the workflow. */
  readonly input: unknown;
  readonly memo: object;
  readonly attributes: readonly SearchAttribute[];
  readonly reuse: ReusePolicy;
  /** All activities inherit it. A fairness key has at most 64 bytes. */
  readonly priority: { readonly priorityKey: number; readonly fairnessKey: string };
}

export interface RunPage {
  readonly runs: readonly RunInfo[];
  /** Base64url; absent at the end. */
  readonly next?: string;
}

/** What waits in the queue of an activity. */
export interface Backlog {
  /** Tasks that wait, by priority key. */
  readonly byPriority: ReadonlyMap<number, number>;
  /** Tasks taken up per second, lately. */
  readonly rate: number;
}

/** All of these throw `unavailable` when the server does not answer within the time that the adapter was given. */
export interface TemporalWire {
  /**
   * Starts a run and returns its id. Returns undefined, and changes nothing, where a run is in flight or `reuse` forbids
   * another.
   */
  start(run: StartRun): Promise<string | undefined>;
  /** The latest run, or undefined. */
  describe(workflowId: string): Promise<DescribedRun | undefined>;
  list(request: {
    readonly query: string;
    readonly pageSize: number;
    readonly from?: string;
  }): Promise<RunPage>;
  count(query: string): Promise<number>;
  backlog(queue: string): Promise<Backlog>;
  /** Nothing happens where no run is under way; likewise for `cancel`. */
  signal(workflowId: string, name: string, argument: unknown): Promise<void>;
  cancel(workflowId: string): Promise<void>;
  /** Forgets runs; an empty run id is the latest one. Those that are gone already are passed over. */
  deleteRuns(workflowId: string, runIds: readonly string[]): Promise<void>;
  /** Never throws. */
  ready(): Promise<boolean>;
}

/** Longest wait for one answer of the server, in milliseconds. */
export const RPC_TIMEOUT_MS = 10_000;
export const READY_TIMEOUT_MS = 2000;
