/**
 * Tracing of a process: interceptors for Temporal's client and workers, and a wrapper for its model. Unused
 * when traces are off.
 */
import type { Context } from '@temporalio/activity';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptors, InjectedSinks } from '@temporalio/worker';
import type { Settings } from '../../config/settings.ts';
import { type EndedRun, TRACE_HEADER, type Tracer } from '../../core/tracing.ts';
import type { Generator } from '../../phi3v/index.ts';
import type { Tracing } from './otel.ts';
import { segmentFields } from './segment-fields.ts';

/** Returns undefined if OTEL_EXPORTER_OTLP_ENDPOINT is not set; then no OpenTelemetry package is loaded. */
export async function startTracing(
  { otlpEndpoint }: Pick<Settings, 'otlpEndpoint'>,
  role: string,
): Promise<Tracing | undefined> {
  if (otlpEndpoint === undefined) return undefined;
  return (await import('./otel.ts')).startOtlpTracing(`frameloom-${role}`);
}

/** Adds the `traceparent` of the current span to the headers of workflows that are started within it. */
export function traceWorkflowStarts(tracer: Tracer): WorkflowClientInterceptor {
  return {
    start(input, next) {
      const current = tracer.current();
      if (current === undefined) return next(input);
      const header = defaultPayloadConverter.toPayload(current);
      return next({ ...input, headers: { ...input.headers, [TRACE_HEADER]: header } });
    },
  };
}

/** Creates a span for each attempt of an activity that belongs to a trace. */
export function traceActivities(tracer: Tracer): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const header = input.headers[TRACE_HEADER];
        if (header === undefined || header === null) return await next(input);
        const { activityType, activityId, attempt, workflowExecution } = info;
        const { segment } = segmentFields(activityType, input.args[0]);
        const attributes = {
          'frameloom.job': workflowExecution?.workflowId ?? '',
          'temporal.activity_id': activityId,
          'temporal.attempt': attempt,
          ...(segment === undefined ? {} : { 'frameloom.segment': segment }),
        };
        const parent = defaultPayloadConverter.fromPayload<string>(header);
        return await tracer.span(activityType, { parent, kind: 'consumer', attributes }, () => next(input));
      },
    },
  });
}

/** Receives the spans of workflow runs from workflows/trace.ts. */
export function createTraceSinks(tracing: Tracing): InjectedSinks<{
  readonly trace: { ended(run: EndedRun): void };
}> {
  return {
    trace: { ended: { fn: (_info, run) => tracing.recordWorkflowRun(run), callDuringReplay: false } },
  };
}

/**
 * Returns the same generator, with a span for each generation. Names follow OpenTelemetry's conventions for
 * generative AI.
 */
export function traceGenerator(tracer: Tracer, generator: Generator, model: string): Generator {
  return {
    get info() {
      return generator.info;
    },
    generate: (request, options) =>
      tracer.span(
        `chat ${model}`,
        { kind: 'client', attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model } },
        async (span) => {
          const made = await generator.generate(request, options);
          span.set({
            'gen_ai.usage.input_tokens': made.promptTokens,
            'gen_ai.usage.output_tokens': made.outputTokens,
            'gen_ai.response.finish_reason': made.finishReason,
            'frameloom.model_seconds': made.modelSeconds,
          });
          return made;
        },
      ),
    [Symbol.asyncDispose]: () => generator[Symbol.asyncDispose](),
  };
}
