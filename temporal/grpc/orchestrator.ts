/** Temporal over gRPC. Only the Node entry may import this: the client needs Node. */
import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { FrameloomError } from '../../core/errors.ts';
import { TASK_QUEUES, WORKFLOW_TASK_SECONDS } from '../../schema/task-queues.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { createOrchestrator } from '../jobs.ts';
import type { Orchestrator } from '../orchestrator.ts';
import { READY_TIMEOUT_MS, RPC_TIMEOUT_MS, type SearchAttribute, type TemporalWire } from '../wire.ts';
import { runInfoOf } from './run-info.ts';
import { createTemporalSchedules } from './schedules.ts';

// temporal.api.enums.v1.TaskQueueType
const ACTIVITY_QUEUE = 2;

// gRPC status codes, https://grpc.io/docs/guides/status-codes/
const NOT_FOUND = 5;
const TRANSIENT = new Set([1, 4, 8, 14]);

/**
 * The orchestrator behind `client`, which stays the caller's to close. `store` keeps the notes on what was deleted; `timeout` bounds
 * the wait for one answer, in milliseconds.
 */
export function createTemporalOrchestrator(
  client: Client,
  store: BlobStore,
  timeout: number = RPC_TIMEOUT_MS,
): Orchestrator {
  const ask = asking(client, timeout);
  return {
    ...createOrchestrator(grpcWire(client, ask), store),
    schedules: createTemporalSchedules(client.schedule, ask),
  };
}

/** Runs a request with a deadline, in milliseconds, and turns what gRPC throws into our errors. */
type Ask = <T>(request: () => Promise<T>, within?: number) => Promise<T>;

function asking({ connection }: Client, timeout: number): Ask {
  return async (request, within = timeout) => {
    try {
      return await connection.withDeadline(Date.now() + within, request);
    } catch (error) {
      if (isTransient(error)) {
        throw new FrameloomError('unavailable', 'The orchestrator does not answer.', { cause: error });
      }
      throw error;
    }
  };
}

function grpcWire({ workflow }: Client, ask: Ask): TemporalWire {
  const { workflowService } = workflow;
  const { namespace } = workflow.options;

  /** The answer to `request`, or undefined where no such run is. */
  async function found<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask(request);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    async start({ type, workflowId, input, memo, attributes, reuse, priority }) {
      try {
        const { firstExecutionRunId } = await ask(() =>
          workflow.start(type, {
            workflowId,
            taskQueue: TASK_QUEUES.workflow,
            workflowTaskTimeout: `${WORKFLOW_TASK_SECONDS}s`,
            args: [input],
            memo: { ...memo },
            typedSearchAttributes: attributes.map(pairOf),
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: reuse,
            priority,
          }),
        );
        return firstExecutionRunId;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
        throw error;
      }
    },

    async describe(workflowId) {
      const answer = await found(() => workflow.getHandle(workflowId).describe());
      const info = answer?.raw.workflowExecutionInfo;
      if (!info) return undefined;
      const cancelRequested = answer.raw.workflowExtendedInfo?.cancelRequested ?? false;
      return { ...runInfoOf(info), cancelRequested };
    },

    async list({ query, pageSize, from }) {
      const nextPageToken = from === undefined ? {} : { nextPageToken: Buffer.from(from, 'base64url') };
      const page = await ask(() =>
        workflowService.listWorkflowExecutions({ namespace, query, pageSize, ...nextPageToken }),
      );
      const runs = (page.executions ?? []).map(runInfoOf);
      return page.nextPageToken?.length
        ? { runs, next: Buffer.from(page.nextPageToken).toString('base64url') }
        : { runs };
    },

    async count(query) {
      return Number((await ask(() => workflowService.countWorkflowExecutions({ namespace, query }))).count);
    },

    async backlog(queue) {
      const { stats, statsByPriorityKey } = await ask(() =>
        workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: queue },
          taskQueueType: ACTIVITY_QUEUE,
          reportStats: true,
        }),
      );
      const levels = Object.entries(statsByPriorityKey ?? {});
      return {
        byPriority: new Map(
          levels.map(([key, level]) => [Number(key), Number(level.approximateBacklogCount ?? 0)]),
        ),
        rate: stats?.tasksDispatchRate ?? 0,
      };
    },

    async signal(workflowId, name, argument) {
      await found(() => workflow.getHandle(workflowId).signal(name, argument));
    },

    async cancel(workflowId) {
      await found(() => workflow.getHandle(workflowId).cancel());
    },

    async deleteRuns(workflowId, runIds) {
      for (const runId of runIds) {
        try {
          await ask(() =>
            workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } }),
          );
        } catch (error) {
          if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
        }
      }
    },

    async ready() {
      return await ask(() => workflowService.describeNamespace({ namespace }), READY_TIMEOUT_MS).then(
        () => true,
        () => false,
      );
    },
  };
}

/** As the client takes a search attribute. */
function pairOf({ name, type, value }: SearchAttribute) {
  return type === 'Int'
    ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: Number(value) }
    : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: String(value) };
}

function isTransient(error: unknown): boolean {
  if (isGrpcServiceError(error)) return TRANSIENT.has(error.code);
  return error instanceof Error && error.cause !== undefined && isTransient(error.cause);
}
