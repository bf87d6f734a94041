/** Temporal over gRPC. It requires Node. */
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
import { isWaitingFor } from '../run-status.ts';
import { READY_TIMEOUT_MS, RPC_TIMEOUT_MS, type SearchAttribute, type TemporalWire } from '../wire.ts';
import { runInfoOf } from './run-info.ts';
import { createTemporalSchedules } from './schedules.ts';

// temporal.api.enums.v1.TaskQueueType
const ACTIVITY_QUEUE = 2;

// gRPC status codes, https://grpc.io/docs/guides/status-codes/
const NOT_FOUND = 5;
const TRANSIENT = new Set([1, 4, 8, 14]);

/**
 * Creates the orchestrator over `client`, which the caller closes. `store` gets the markers of deleted jobs;
 * `timeout` is that of one call, in milliseconds.
 */
export function createTemporalOrchestrator(
  client: Client,
  store: BlobStore,
  timeout: number = RPC_TIMEOUT_MS,
): Orchestrator {
  const call = createCall(client, timeout);
  return {
    ...createOrchestrator(grpcWire(client, call), store),
    schedules: createTemporalSchedules(client.schedule, call),
  };
}

/**
 * Runs a call with a timeout in milliseconds, and converts transient gRPC errors to FrameloomError
 * `unavailable`.
 */
type Call = <T>(request: () => Promise<T>, timeoutMs?: number) => Promise<T>;

function createCall({ connection }: Client, timeout: number): Call {
  return async (request, timeoutMs = timeout) => {
    try {
      return await connection.withDeadline(Date.now() + timeoutMs, request);
    } catch (error) {
      if (isTransient(error)) {
        throw new FrameloomError('unavailable', 'The orchestrator does not respond.', { cause: error });
      }
      throw error;
    }
  };
}

/** The wire over gRPC. One long function, because it only lists its requests, which share `call`. */
function grpcWire({ workflow }: Client, call: Call): TemporalWire {
  const { workflowService } = workflow;
  const { namespace } = workflow.options;

  /** Returns the response to `request`, or undefined if no such run exists. */
  async function found<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call(request);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    async start({ type, workflowId, input, memo, attributes, reuse, priority }) {
      try {
        const { firstExecutionRunId } = await call(() =>
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
      const response = await found(() => workflow.getHandle(workflowId).describe());
      const info = response?.raw.workflowExecutionInfo;
      if (!info) return undefined;
      const cancelRequested = response.raw.workflowExtendedInfo?.cancelRequested ?? false;
      return { ...runInfoOf(info), cancelRequested, isWaiting: isWaitingFor(response.raw.pendingActivities) };
    },

    async list({ query, pageSize, from }) {
      const nextPageToken = from === undefined ? {} : { nextPageToken: Buffer.from(from, 'base64url') };
      const page = await call(() =>
        workflowService.listWorkflowExecutions({ namespace, query, pageSize, ...nextPageToken }),
      );
      const runs = (page.executions ?? []).map(runInfoOf);
      return page.nextPageToken?.length
        ? { runs, next: Buffer.from(page.nextPageToken).toString('base64url') }
        : { runs };
    },

    async count(query) {
      return Number((await call(() => workflowService.countWorkflowExecutions({ namespace, query }))).count);
    },

    async backlog(queue) {
      const { stats, statsByPriorityKey } = await call(() =>
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

    async terminate(workflowId) {
      await found(() => workflow.getHandle(workflowId).terminate('deleted by the client'));
    },

    async deleteRuns(workflowId, runIds) {
      for (const runId of runIds) {
        try {
          await call(() =>
            workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId, runId } }),
          );
        } catch (error) {
          if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
        }
      }
    },

    async ready() {
      return await call(() => workflowService.describeNamespace({ namespace }), READY_TIMEOUT_MS).then(
        () => true,
        () => false,
      );
    },
  };
}

/** Converts a search attribute to the form of the client. */
function pairOf({ name, type, value }: SearchAttribute) {
  return type === 'Int'
    ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value: Number(value) }
    : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value: String(value) };
}

function isTransient(error: unknown): boolean {
  if (isGrpcServiceError(error)) return TRANSIENT.has(error.code);
  return error instanceof Error && error.cause !== undefined && isTransient(error.cause);
}
