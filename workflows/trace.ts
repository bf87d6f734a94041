/**
 * Passes the trace context of a request on to the activities and children of a workflow. A header in the
 * history decides whether a workflow is traced, so a replay does the same under any settings of the worker.
 * No random number is drawn and no command is added.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  type Sinks,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow';
import { type EndedRun, formatTraceparent, parseTraceparent, TRACE_HEADER } from '../core/tracing.ts';

interface TraceSinks extends Sinks {
  readonly trace: { ended(run: EndedRun): void };
}

const { trace } = proxySinks<TraceSinks>();

/** Temporal calls this function for each workflow. */
export function interceptors(): WorkflowInterceptors {
  let parent: string | undefined;
  let traceparent: string | undefined;

  function withTraceHeader<Input extends { readonly headers: Headers }>(input: Input): Input {
    return traceparent === undefined
      ? input
      : { ...input, headers: { ...input.headers, [TRACE_HEADER]: headerOf(traceparent) } };
  }

  return {
    inbound: [
      {
        async execute(input, next) {
          const header = input.headers[TRACE_HEADER];
          parent = header && defaultPayloadConverter.fromPayload<string>(header);
          const link = parseTraceparent(parent);
          if (parent === undefined || link === undefined) return await next(input);
          const { runId, workflowId, workflowType, runStartTime } = workflowInfo();
          // The random half of the run id: the same in every replay.
          const spanId = runId.replaceAll('-', '').slice(16);
          traceparent = formatTraceparent({ ...link, spanId });
          let failed = true;
          try {
            const result = await next(input);
            failed = false;
            return result;
          } catch (error) {
            failed = !(error instanceof ContinueAsNew);
            throw error;
          } finally {
            trace.ended({
              ...{ name: `workflow ${workflowType}`, parent, spanId, failed },
              began: runStartTime.getTime(),
              ended: Date.now(),
              attributes: { 'frameloom.job': workflowId, 'temporal.run_id': runId },
            });
          }
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withTraceHeader(input)),
        scheduleLocalActivity: (input, next) => next(withTraceHeader(input)),
        startChildWorkflowExecution: (input, next) => next(withTraceHeader(input)),
        // The next run has the same parent as this one.
        continueAsNew: (input, next) =>
          next(
            parent === undefined
              ? input
              : { ...input, headers: { ...input.headers, [TRACE_HEADER]: headerOf(parent) } },
          ),
      },
    ],
  };
}

function headerOf(traceparent: string): Headers[string] {
  return defaultPayloadConverter.toPayload(traceparent);
}
