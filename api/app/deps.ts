/** What the app needs from its surroundings. An entry for a platform makes these and adapts `app.fetch`; nothing else differs. */
import type { ApiKey } from '../../config/api-keys.ts';
import type { Quotas } from '../../config/quotas.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import type { Orchestrator, QueueStats } from '../../temporal/orchestrator.ts';

/** One structured log line. `fields` may hold causes and stacks; they go to the log only. */
export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `milliseconds`, or as soon as `signal` aborts. Never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The console's files, by path of the site, such as `/` or `/console/app.js`. */
export interface ConsoleAssets {
  get(path: string): { readonly body: Uint8Array | string; readonly type: string } | undefined;
}

export interface ApiDeps {
  readonly orchestrator: Orchestrator;
  readonly store: BlobStore;
  /** Without any the API answers only to requests for a loopback name, as tenant `default`. */
  readonly keys: readonly ApiKey[];
  /** Hex SHA-256 of the tokens of edges, which name the tenant themselves. */
  readonly gatewayTokens?: readonly string[];
  /** What each tenant may ask for; without, as much as it likes. */
  readonly quotas?: Quotas;
  /** Largest file accepted, in bytes. */
  readonly maxUploadBytes: number;
  /** Version shown in the OpenAPI document. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent where traces are off. */
  readonly tracer?: Tracer;
  readonly assets?: ConsoleAssets;
  /** Aborts when the process is about to end: open event streams and waits end then, and clients resume elsewhere. */
  readonly closing?: AbortSignal;
  /** Where each look costs, such as at an edge. */
  readonly pace?: Pace;
  /** By default the API itself counts nothing. */
  readonly throttle?: Throttle;
  /** False where processes are too short-lived for figures. */
  readonly servesMetrics?: boolean;
  /** What waits for workers, for /metrics. Never rejects. */
  readonly queueFigures?: () => Promise<readonly QueueStats[]>;
  /** Figures of the process for /metrics: name without prefix → value. */
  readonly processFigures?: () => Readonly<Record<string, number>>;
}

export interface Pace {
  /** Time between two looks at a job somebody waits for, in milliseconds. */
  readonly look: number;
  /** Longest stream of events, in milliseconds: the client then resumes it. */
  readonly stream: number;
}

/** Whether a tenant may ask now. Rejects where that cannot be told. */
export type Throttle = (tenant: string) => Promise<boolean>;
