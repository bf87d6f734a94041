/** Traces as the rooms see them: a port, so that who is traced knows no tracer. Absent where traces are off. */

export type TraceAttributes = Readonly<Record<string, string | number | boolean>>;

export interface TraceSpan {
  /** Adds what is known only later. */
  set(attributes: TraceAttributes): void;
  /** Marks it as failed. */
  fail(): void;
}

export interface TraceSpanOptions {
  /** W3C `traceparent` of what it is part of. Default: the span that is under way where it is called. */
  readonly parent?: string | undefined;
  readonly kind: 'server' | 'client' | 'consumer' | 'internal';
  readonly attributes?: TraceAttributes;
}

export interface Tracer {
  /** Runs `run` as a span: what it calls is part of it. One that throws has failed. */
  span<T>(name: string, options: TraceSpanOptions, run: (span: TraceSpan) => Promise<T>): Promise<T>;
  /** `traceparent` of the span that is under way. */
  current(): string | undefined;
}

/** Header of workflows and activities with a `traceparent`, https://www.w3.org/TR/trace-context/. */
export const TRACE_HEADER = 'traceparent';

/** A workflow run that has ended. Its workflow tells this to the worker, which has the tracer. */
export interface EndedRun {
  readonly name: string;
  readonly parent: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Milliseconds since 1970. */
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

/** The parts of a `traceparent`; undefined for what is none. */
export function parseTraceparent(text: string | undefined): Traceparent | undefined {
  const [, traceId, spanId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags };
}

export function traceparentOf({ traceId, spanId, flags }: Traceparent): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
