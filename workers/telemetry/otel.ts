/**
 * Traces by OpenTelemetry, over OTLP. Loaded only where OTEL_EXPORTER_OTLP_ENDPOINT is set; the other OTEL_
 * variables are read by the packages.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import { type EndedRun, formatTraceparent, parseTraceparent, type Tracer } from '../../core/tracing.ts';

export interface Tracing extends Tracer, AsyncDisposable {
  /** Records a workflow run, whose span id is given. */
  recordWorkflowRun(run: EndedRun): void;
}

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** `service` is the service name unless OTEL_SERVICE_NAME is set. Disposing exports the remaining spans. */
export function startOtlpTracing(service: string): Tracing {
  const random = new RandomIdGenerator();
  let nextSpanId: string | undefined;
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    idGenerator: {
      generateTraceId: () => random.generateTraceId(),
      generateSpanId() {
        const id = nextSpanId ?? random.generateSpanId();
        nextSpanId = undefined;
        return id;
      },
    },
  });
  const tracer = provider.getTracer('frameloom');
  const active = new AsyncLocalStorage<Context>();

  function within(parent: string | undefined): Context {
    const link = parseTraceparent(parent);
    if (link === undefined) return active.getStore() ?? ROOT_CONTEXT;
    const { traceId, spanId, flags } = link;
    const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    return trace.setSpanContext(ROOT_CONTEXT, remote);
  }

  return {
    async span(name, { parent, kind, attributes = {} }, run) {
      const context = within(parent);
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, context);
      try {
        return await active.run(trace.setSpan(context, span), () =>
          run({
            set: (more) => span.setAttributes({ ...more }),
            fail: () => span.setStatus({ code: SpanStatusCode.ERROR }),
          }),
        );
      } catch (error) {
        // Only the name: messages may contain text of requests.
        if (error instanceof Error) span.setAttribute('error.type', error.name);
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },

    current() {
      const store = active.getStore();
      const span = store && trace.getSpan(store);
      return span && headerOf(span);
    },

    recordWorkflowRun({ name, parent, spanId, began, ended, failed, attributes }) {
      nextSpanId = spanId;
      const options = { kind: SpanKind.INTERNAL, startTime: began, attributes: { ...attributes } };
      const span = tracer.startSpan(name, options, within(parent));
      nextSpanId = undefined; // not consumed if the span is not sampled
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(ended);
    },

    [Symbol.asyncDispose]: () => provider.shutdown(),
  };
}

function headerOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return formatTraceparent({ traceId, spanId, flags: traceFlags.toString(16).padStart(2, '0') });
}
