/**
 * The port to traces. Modules do not depend on OpenTelemetry. The tracer is undefined if traces are disabled.
 */

export type TraceAttributes = Readonly<Record<string, string | number | boolean>>;

export interface TraceSpan {
  /** Adds attributes that are known only after the start. */
  set(attributes: TraceAttributes): void;
  /** Marks the span as failed. */
  fail(): void;
}

export interface TraceSpanOptions {
  /** W3C `traceparent` of the parent. Default: the current span. */
  readonly parent?: string | undefined;
  readonly kind: 'server' | 'client' | 'consumer' | 'internal';
  readonly attributes?: TraceAttributes;
}

export interface Tracer {
  /**
   * Calls `run` within a new span, which is the parent of spans that it starts. If `run` throws, the span has
   * failed.
   */
  span<T>(name: string, options: TraceSpanOptions, run: (span: TraceSpan) => Promise<T>): Promise<T>;
  /** Returns the `traceparent` of the current span. */
  current(): string | undefined;
}

/**
 * Temporal header of workflows and activities with a `traceparent` (https://www.w3.org/TR/trace-context/).
 */
export const TRACE_HEADER = 'traceparent';

/** A finished workflow run. The workflow reports it to the worker, because only the worker has a tracer. */
export interface EndedRun {
  readonly name: string;
  readonly parent: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number;
  readonly failed: boolean;
  readonly attributes: TraceAttributes;
}

export interface Traceparent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
}

/** Parses a `traceparent`. Returns undefined if it is missing or malformed. */
export function parseTraceparent(text: string | undefined): Traceparent | undefined {
  const [, traceId, spanId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags };
}

/** Formats a `traceparent` header. */
export function formatTraceparent({ traceId, spanId, flags }: Traceparent): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
