/** Jobs as Temporal workflows, over gRPC. Only the Node entry may import this: the client needs Node. */
import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowService,
} from '@temporalio/client';
import {
  defaultPayloadConverter,
  defineSearchAttributeKey,
  type Payload,
  SearchAttributeType,
} from '@temporalio/common';
import { FrameloomError } from '../schema/errors.ts';
import { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';
import { isClosed, type JobRecord, type Orchestrator } from './orchestrator.ts';

/** Name of the workflow of a job. */
const WORKFLOW_TYPE = 'summarize';
const TASK_QUEUE = 'workflow';
/** Keyword; must be registered in the namespace. */
const TENANT = defineSearchAttributeKey('FrameloomTenant', SearchAttributeType.KEYWORD);

/** Longest wait for one answer of the server, in milliseconds. */
const RPC_TIMEOUT = 10_000;
const READY_TIMEOUT = 2000;
/** A deletion is done in the background; this is how often and how many times it is looked for, in milliseconds. */
const DELETE_INTERVAL = 100;
const DELETE_LOOKS = 50;

// gRPC status codes, https://grpc.io/docs/guides/status-codes/
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const TRANSIENT = new Set([1, 4, 8, 14]);

// temporal.api.enums.v1.WorkflowExecutionStatus
const STATES: Readonly<Record<number, JobRecord['state']>> = {
  1: 'running',
  2: 'completed',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  6: 'running', // continued as new: the next run is under way
  7: 'timed_out',
  8: 'running', // paused
};

type ListRequest = Parameters<WorkflowService['listWorkflowExecutions']>[0];
type Execution = NonNullable<
  Awaited<ReturnType<WorkflowService['listWorkflowExecutions']>>['executions']
>[number];

/** The orchestrator behind `client`, which stays the caller's to close. */
export function createTemporalOrchestrator(client: Client): Orchestrator {
  const { connection, workflow } = client;
  const { workflowService } = workflow;
  const { namespace } = workflow.options;

  /** Runs `request` with a deadline and turns what gRPC throws into our errors. */
  async function ask<T>(request: () => Promise<T>, timeout = RPC_TIMEOUT): Promise<T> {
    try {
      return await connection.withDeadline(Date.now() + timeout, request);
    } catch (error) {
      if (isTransient(error)) {
        throw new FrameloomError('unavailable', 'The orchestrator does not answer.', { cause: error });
      }
      throw error;
    }
  }

  async function describe(id: JobId): Promise<JobRecord | undefined> {
    try {
      const { raw } = await ask(() => workflow.getHandle(id).describe());
      const info = raw.workflowExecutionInfo;
      if (!info) return undefined;
      return recordOf(info, raw.workflowExtendedInfo?.cancelRequested ?? false);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async function query(request: Omit<NonNullable<ListRequest>, 'namespace'>) {
    return await ask(() => workflowService.listWorkflowExecutions({ namespace, ...request }));
  }

  return {
    describe,

    async start({ jobId, memo, key }) {
      try {
        await ask(() =>
          workflow.start(WORKFLOW_TYPE, {
            workflowId: jobId,
            taskQueue: TASK_QUEUE,
            args: [{ jobId, tenant: memo.tenant, request: memo.request }],
            memo: { ...memo },
            typedSearchAttributes: [{ key: TENANT, value: memo.tenant }],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: key === 'content' ? 'ALLOW_DUPLICATE_FAILED_ONLY' : 'REJECT_DUPLICATE',
          }),
        );
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
      const record = await describe(jobId);
      if (!record) throw new FrameloomError('unavailable', 'The job was deleted while it was being started.');
      return record;
    },

    async list({ tenant, limit, cursor }) {
      if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('not a tenant');
      const nextPageToken = cursor === undefined ? undefined : fromBase64Url(cursor);
      try {
        const page = await query({
          pageSize: limit,
          query: `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}'`,
          ...(nextPageToken ? { nextPageToken } : {}),
        });
        const records = newestRuns((page.executions ?? []).map((info) => recordOf(info, false)));
        return page.nextPageToken?.length
          ? { records, nextCursor: toBase64Url(page.nextPageToken) }
          : { records };
      } catch (error) {
        if (cursor !== undefined && isGrpcServiceError(error) && error.code === INVALID_ARGUMENT) {
          throw new FrameloomError('invalid_request', 'The cursor is not one of this list.', {
            cause: error,
          });
        }
        throw error;
      }
    },

    async cancel(id) {
      try {
        await ask(() => workflow.getHandle(id).cancel());
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },

    async delete(id) {
      const record = await describe(id);
      if (!record) return;
      if (!isClosed(record))
        throw new FrameloomError('job_running', 'Only a job that has ended can be deleted.');
      // Earlier runs of the same job first: the latest one is what `describe` finds.
      const { executions } = await query({ pageSize: 100, query: `WorkflowId='${id}'` });
      const older = (executions ?? [])
        .map((info) => info.execution?.runId ?? '')
        .filter((run) => run !== record.run);
      for (const runId of [...older, record.run]) {
        try {
          await ask(() =>
            workflowService.deleteWorkflowExecution({
              namespace,
              workflowExecution: { workflowId: id, runId },
            }),
          );
        } catch (error) {
          if (!isGrpcServiceError(error) || error.code !== NOT_FOUND) throw error;
        }
      }
      for (let look = 0; look < DELETE_LOOKS && (await describe(id)); look += 1) {
        await new Promise((resolve) => setTimeout(resolve, DELETE_INTERVAL));
      }
    },

    async ready() {
      return await ask(() => workflowService.describeNamespace({ namespace }), READY_TIMEOUT).then(
        () => true,
        () => false,
      );
    },
  };
}

function recordOf(info: Execution, cancelRequested: boolean): JobRecord {
  const state = STATES[Number(info.status)];
  if (!state) throw new TypeError(`no such workflow status: ${info.status}`);
  const closedAt = timeOf(info.closeTime);
  return {
    id: JobId.parse(info.execution?.workflowId),
    run: info.execution?.runId ?? '',
    state: state === 'running' && cancelRequested ? 'cancelling' : state,
    memo: memoOf(info.memo?.fields ?? {}),
    createdAt: timeOf(info.startTime) ?? new Date(0).toISOString(),
    ...(closedAt === undefined ? {} : { closedAt }),
  };
}

function memoOf(fields: Readonly<Record<string, Payload>>): JobMemo {
  const entries = Object.entries(fields).map(([name, payload]) => [
    name,
    defaultPayloadConverter.fromPayload(payload),
  ]);
  return Object.fromEntries(entries) as JobMemo; // written by `start` above and by the workflow from that type
}

interface Timestamp {
  readonly seconds?: { toNumber(): number } | number | null;
  readonly nanos?: number | null;
}

function timeOf(time: Timestamp | null | undefined): string | undefined {
  if (!time) return undefined;
  const seconds = typeof time.seconds === 'object' ? (time.seconds?.toNumber() ?? 0) : (time.seconds ?? 0);
  return new Date(seconds * 1000 + Math.floor((time.nanos ?? 0) / 1e6)).toISOString();
}

/** One record a job: a job that was run again is listed as its newest run. */
function newestRuns(records: readonly JobRecord[]): JobRecord[] {
  const byId = new Map<JobId, JobRecord>();
  for (const record of records) if (!byId.has(record.id)) byId.set(record.id, record);
  return [...byId.values()];
}

function isTransient(error: unknown): boolean {
  if (isGrpcServiceError(error)) return TRANSIENT.has(error.code);
  return error instanceof Error && error.cause !== undefined && isTransient(error.cause);
}

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function fromBase64Url(text: string): Uint8Array {
  return Buffer.from(text, 'base64url');
}
