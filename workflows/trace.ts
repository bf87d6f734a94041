/**
 * Carries the trace of a request through a workflow into its activities and children. Whether a workflow is traced is told by a header
 * in its history, so that a replay does the same whatever the worker is set to; no random number is drawn and no command added.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  type Sinks,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow';
import { type EndedRun, parseTraceparent, TRACE_HEADER, traceparentOf } from '../core/tracing.ts';

interface TraceSinks extends Sinks {
  readonly trace: { ended(run: EndedRun): void };
}

const { trace } = proxySinks<TraceSinks>();

/** Temporal calls this for each workflow. */
export function interceptors(): WorkflowInterceptors {
  let parent: string | undefined;
  let own: string | undefined;

  function within<Input extends { readonly headers: Headers }>(input: Input): Input {
    return own === undefined
      ? input
      : { ...input, headers: { ...input.headers, [TRACE_HEADER]: headerOf(own) } };
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
          // The random part of the id of a run: the same in every replay.
          const spanId = runId.replaceAll('-', '').slice(16);
          own = traceparentOf({ ...link, spanId });
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
        scheduleActivity: (input, next) => next(within(input)),
        scheduleLocalActivity: (input, next) => next(within(input)),
        startChildWorkflowExecution: (input, next) => next(within(input)),
        // The next run belongs to what this one belongs to.
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
