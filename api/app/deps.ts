/**
 * The dependencies of the app. The entry of each platform provides them and adapts `app.fetch`; nothing else
 * differs.
 */
import type { Context } from 'hono';
import type { ApiKey } from '../../config/api-keys.ts';
import type { Quotas } from '../../config/quotas.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import type { Orchestrator, QueueStats } from '../../temporal/orchestrator.ts';
import type { ApiEnv } from './env.ts';

/** Writes one structured log line. `fields` may contain causes and stacks, which responses never do. */
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

/** The files of the web console, by URL path, such as `/` or `/console/app.js`. */
export interface ConsoleAssets {
  get(path: string): ConsoleFile | undefined;
}

export interface ConsoleFile {
  readonly body: Uint8Array | string;
  readonly type: string;
  /** Changes with the content. */
  readonly version?: string;
  /** The body in content codings, in the order of preference. */
  readonly encoded?: readonly { readonly coding: 'br' | 'gzip'; readonly body: Uint8Array }[];
}

export interface ApiDeps {
  readonly orchestrator: Orchestrator;
  readonly store: BlobStore;
  /** If empty, the API accepts only requests for a loopback host name, as tenant `default`. */
  readonly keys: readonly ApiKey[];
  /** Hex SHA-256 hashes of gateway tokens. A gateway names the tenant of each request itself. */
  readonly gatewayTokens?: readonly string[];
  /** Limits per tenant. The default is none. */
  readonly quotas?: Quotas;
  /** Returns the network address of the client. Absent where the platform does not tell. */
  readonly clientAddress?: (c: Context<ApiEnv>) => string | undefined;
  /** The maximum size of an uploaded file, in bytes. */
  readonly maxUploadBytes: number;
  /** Version shown in the OpenAPI document. */
  readonly version: string;
  /** Name of the model of the workers. Absent if the server does not know it. */
  readonly model?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent if tracing is off. */
  readonly tracer?: Tracer;
  readonly assets?: ConsoleAssets;
  /** Aborts when the process shuts down: event streams and waiting requests end, and clients resume them. */
  readonly closing?: AbortSignal;
  /** For platforms that limit the requests or the duration of an invocation. */
  readonly streamTiming?: StreamTiming;
  /** A rate limiter of the platform. */
  readonly throttle?: Throttle;
  /** False on platforms whose processes are too short-lived for metrics. The default is true. */
  readonly servesMetrics?: boolean;
  /** The backlog of the task queues, for /metrics. Never rejects. */
  readonly queueStats?: () => Promise<readonly QueueStats[]>;
  /** Metrics of the process by name, without prefix. */
  readonly processMetrics?: () => Readonly<Record<string, number>>;
}

export interface StreamTiming {
  /** How often the job is read while a client waits for it. */
  readonly pollIntervalMs: number;
  /** The maximum duration of an event stream. The client then resumes it. */
  readonly maxStreamMs: number;
}

/** Whether a request of the tenant is within its rate limit. May reject; the request is then allowed. */
export type Throttle = (tenant: string) => Promise<boolean>;
