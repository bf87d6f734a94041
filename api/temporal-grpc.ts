/** Jobs as Temporal workflows, over gRPC. Only the Node entry may import this: the client needs Node. */
import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { digest } from '../schema/canonical.ts';
import { FrameloomError } from '../schema/errors.ts';
import { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';
import { PRIORITY_ATTRIBUTE, PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import type { SummarizeInput } from '../schema/stages.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { deletedName } from '../store/names.ts';
import { isClosed, type JobRecord, memoOfRetry, type Orchestrator, type StartInput } from './orchestrator.ts';
import { createTemporalBatches } from './temporal-batches.ts';
import { type Execution, type ListRequest, memoOf, stateOf, timeOf } from './temporal-records.ts';

/** Name of the workflow of a job. */
const WORKFLOW_TYPE = 'summarize';
/** Keyword; must be registered in the namespace. */
const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);

/** Int: Temporal's priority key; likewise. */
const PRIORITY_KEY = defineSearchAttributeKey(PRIORITY_ATTRIBUTE, SearchAttributeType.INT);

/** Longest wait for one answer of the server, in milliseconds. */
const RPC_TIMEOUT = 10_000;
const READY_TIMEOUT = 2000;
/** Most runs of one job that are deleted with it: the chain of a job of 10,000 segments has about 50. */
const RUNS_DELETED = 1000;

// temporal.api.enums.v1.TaskQueueType
const ACTIVITY_QUEUE = 2;

// gRPC status codes, https://grpc.io/docs/guides/status-codes/
const NOT_FOUND = 5;
const TRANSIENT = new Set([1, 4, 8, 14]);

const REUSE = {
  idempotency: 'REJECT_DUPLICATE',
  content: 'ALLOW_DUPLICATE_FAILED_ONLY',
} as const satisfies Record<StartInput['key'], string>;

/**
 * The orchestrator behind `client`, which stays the caller's to close. What was deleted is noted in `store`, because the
 * server takes up to a minute to forget a workflow. `timeout` bounds the wait for one answer, in milliseconds.
 */
export function createTemporalOrchestrator(
  client: Client,
  store: ArtifactStore,
  timeout: number = RPC_TIMEOUT,
): Orchestrator {
  const { connection, workflow } = client;
  const { workflowService } = workflow;
  const { namespace } = workflow.options;

  /** Runs `request` with a deadline and turns what gRPC throws into our errors. */
  async function ask<T>(request: () => Promise<T>, within = timeout): Promise<T> {
    try {
      return await connection.withDeadline(Date.now() + within, request);
    } catch (error) {
      if (isTransient(error)) {
        throw new FrameloomError('unavailable', 'The orchestrator does not answer.', { cause: error });
      }
      throw error;
    }
  }

  async function describe(id: JobId): Promise<JobRecord | undefined> {
    const record = await latestRun(id);
    return record && !(await isDeleted(record)) ? record : undefined;
  }

  /** The latest run of a job, deleted or not. */
  async function latestRun(id: JobId): Promise<JobRecord | undefined> {
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

  async function isDeleted(record: JobRecord): Promise<boolean> {
    return isClosed(record) && (await store.head(deletedName(record.id, record.run))) !== undefined;
  }

  /**
   * Starts a run of the job; where one is under way, or `reuse` forbids another, nothing happens. Answers the latest run, unless it was
   * deleted.
   */
  async function startRun(
    jobId: JobId,
    memo: JobMemo,
    reuse: (typeof REUSE)[StartInput['key']] | 'ALLOW_DUPLICATE',
  ): Promise<JobRecord | undefined> {
    const { tenant, request } = memo;
    const priorityKey = PRIORITY_KEYS[request.priority];
    try {
      await ask(() =>
        workflow.start(WORKFLOW_TYPE, {
          workflowId: jobId,
          taskQueue: TASK_QUEUES.workflow,
          args: [{ jobId, tenant, request } satisfies SummarizeInput],
          memo: { ...memo },
          typedSearchAttributes: [
            { key: TENANT, value: tenant },
            { key: PRIORITY_KEY, value: priorityKey },
          ],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: reuse,
          // All its activities inherit it. A tenant's name has at most 64 bytes, as many as a key may have.
          priority: { priorityKey, fairnessKey: tenant },
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return await describe(jobId);
  }

  function started(record: JobRecord | undefined): JobRecord {
    if (!record) throw new FrameloomError('unavailable', 'The job was deleted while it was being started.');
    return record;
  }

  async function query(request: Omit<NonNullable<ListRequest>, 'namespace'>) {
    return await ask(() => workflowService.listWorkflowExecutions({ namespace, ...request }));
  }

  return {
    describe,

    async start({ jobId, memo, key }) {
      // Nearly all jobs are new: only of those that are not is asked whether they were deleted, and may run anew.
      const record = await startRun(jobId, memo, REUSE[key]);
      return record ?? started(await startRun(jobId, memo, 'ALLOW_DUPLICATE'));
    },

    async retry(ended) {
      const latest = await describe(ended.id);
      if (!latest) throw new FrameloomError('not_found', 'The job was deleted.');
      if (latest.run !== ended.run) return latest;
      return started(await startRun(ended.id, memoOfRetry(ended), 'ALLOW_DUPLICATE'));
    },

    async list({ tenant, limit, cursor }) {
      if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('not a tenant');
      const nextPageToken = cursor === undefined ? undefined : await readCursor(tenant, cursor);
      const page = await query({
        pageSize: limit,
        // A run that was continued in another one is not a job of its own.
        query: `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ExecutionStatus!='ContinuedAsNew'`,
        ...(nextPageToken ? { nextPageToken } : {}),
      });
      const newest = newestRuns((page.executions ?? []).map((info) => recordOf(info, false)));
      const deleted = await Promise.all(newest.map(isDeleted));
      const records = newest.filter((_, index) => !deleted[index]);
      return page.nextPageToken?.length
        ? { records, nextCursor: await writeCursor(tenant, page.nextPageToken) }
        : { records };
    },

    async line({ memo, createdAt }) {
      const priority = PRIORITY_KEYS[memo.request.priority];
      const [{ count }, { stats, statsByPriorityKey }] = await Promise.all([
        ask(() =>
          workflowService.countWorkflowExecutions({
            namespace,
            query:
              `WorkflowType='${WORKFLOW_TYPE}' AND ExecutionStatus='Running' AND (FrameloomPriority<${priority} ` +
              `OR (FrameloomPriority=${priority} AND StartTime<'${createdAt}'))`,
          }),
        ),
        ask(() =>
          workflowService.describeTaskQueue({
            namespace,
            taskQueue: { name: TASK_QUEUES.gpu },
            taskQueueType: ACTIVITY_QUEUE,
            reportStats: true,
          }),
        ),
      ]);
      const waiting = Object.entries(statsByPriorityKey ?? {})
        .filter(([key]) => Number(key) <= priority)
        .map(([, level]) => Number(level.approximateBacklogCount ?? 0));
      return {
        ahead: Number(count),
        backlog: waiting.reduce((sum, length) => sum + length, 0),
        rate: stats?.tasksDispatchRate ?? 0,
      };
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
      const { executions } = await query({ pageSize: RUNS_DELETED, query: `WorkflowId='${id}'` });
      const found = executions ?? [];
      const chains = found.map((info) => recordOf(info, false).run);
      for (const run of new Set([record.run, ...chains])) {
        await store.put(deletedName(id, run), new Uint8Array());
      }
      // Without an id: the latest run, which a list may not have yet.
      for (const runId of ['', ...found.map((info) => info.execution?.runId ?? '')]) {
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
    },

    batches: createTemporalBatches(workflow, { ask, query }),

    async ready() {
      return await ask(() => workflowService.describeNamespace({ namespace }), READY_TIMEOUT).then(
        () => true,
        () => false,
      );
    },
  };
}

function recordOf(info: Execution, cancelRequested: boolean): JobRecord {
  const state = stateOf(info);
  const closedAt = timeOf(info.closeTime);
  const memo = memoOf<JobMemo>(info); // written by `startRun` above and by the workflow from that type
  return {
    id: JobId.parse(info.execution?.workflowId),
    // Lists do not tell the first run of a chain (server 1.29): its memo does.
    run: info.firstRunId || (memo.run ?? info.execution?.runId ?? ''),
    state: state === 'running' && cancelRequested ? 'cancelling' : state,
    memo,
    createdAt: memo.createdAt ?? timeOf(info.startTime) ?? new Date(0).toISOString(),
    ...(closedAt === undefined ? {} : { closedAt }),
  };
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

/** A cursor is the server's page token after a digest, because the server takes a token of others for a fault of its own. */
async function writeCursor(tenant: string, token: Uint8Array): Promise<string> {
  const text = Buffer.from(token).toString('base64url');
  return `${(await digest([tenant, text])).slice(0, 16)}.${text}`;
}

async function readCursor(tenant: string, cursor: string): Promise<Uint8Array> {
  const token = Buffer.from(cursor.slice(cursor.indexOf('.') + 1), 'base64url');
  if ((await writeCursor(tenant, token)) !== cursor) {
    throw new FrameloomError('invalid_request', 'The cursor is not one of this list.');
  }
  return token;
}
