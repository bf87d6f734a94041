/** Jobs as Temporal workflows, over any adapter. */
import { FrameloomError } from '../core/errors.ts';
import { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';
import {
  listAttributes,
  PRIORITY_ATTRIBUTE,
  PRIORITY_KEYS,
  TENANT_ATTRIBUTE,
} from '../schema/search-attributes.ts';
import type { SummarizeInput } from '../schema/stages.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import { NO_USAGE, sumUsage } from '../schema/usage-cost.ts';
import type { BlobStore } from '../store/artifact-store.ts';
import { deletionMarkerName } from '../store/names.ts';
import { createTemporalBatches } from './batches.ts';
import { createTemporalEstimates } from './estimates.ts';
import { listJobs } from './job-list.ts';
import { isClosed, type JobRecord, type Orchestrator, retryMemo, type StartInput } from './orchestrator.ts';
import { storeUsageRecord, usageRecords } from './usage-records.ts';
import type { DescribedRun, ReusePolicy, RunInfo, TemporalWire } from './wire.ts';

/** Name of the workflow of a job. */
const WORKFLOW_TYPE = 'summarize';
/** Most runs that are deleted with a job. The chain of a job of 10,000 segments has about 50. */
const MAX_RUNS_DELETED = 1000;

/** Page size where all matching runs are read: the default maximum of a server. */
const PAGE_RUNS = 1000;

const REUSE = {
  idempotency: 'REJECT_DUPLICATE',
  content: 'ALLOW_DUPLICATE_FAILED_ONLY',
} as const satisfies Record<StartInput['key'], ReusePolicy>;

/**
 * Creates the orchestrator over `wire`. `store` gets a marker for every deleted job, because the server takes
 * up to a minute to delete a workflow. One long function, because its methods are short and share `wire` and
 * the lookup that hides deleted jobs.
 */
export function createOrchestrator(wire: TemporalWire, store: BlobStore): Orchestrator {
  async function describe(id: JobId): Promise<JobRecord | undefined> {
    const run = await wire.describe(id);
    const record = run && recordOf(run);
    return record && !(await isDeleted(record)) ? record : undefined;
  }

  async function isDeleted(record: JobRecord): Promise<boolean> {
    return isClosed(record) && (await store.head(deletionMarkerName(record.id, record.run))) !== undefined;
  }

  /**
   * Starts a run of the job if `reuse` allows one, with one call of the server. Otherwise returns the latest
   * run, with a second call, or undefined if it was deleted.
   */
  async function startRun(jobId: JobId, memo: JobMemo, reuse: ReusePolicy): Promise<JobRecord | undefined> {
    const { tenant, priority, createdAt } = memo;
    const priorityKey = PRIORITY_KEYS[priority];
    const run = await wire.start({
      type: WORKFLOW_TYPE,
      workflowId: jobId,
      input: { jobId, tenant } satisfies SummarizeInput,
      memo,
      attributes: [
        { name: TENANT_ATTRIBUTE, type: 'Keyword', value: tenant },
        { name: PRIORITY_ATTRIBUTE, type: 'Int', value: priorityKey },
        ...listAttributes(memo),
      ],
      reuse,
      // A tenant's name has at most 64 bytes, as many as a key may have.
      priority: { priorityKey, fairnessKey: tenant },
    });
    return run === undefined ? await describe(jobId) : { id: jobId, run, state: 'running', memo, createdAt };
  }

  /** Yields the runs that match `query`, page by page. */
  async function* pagesOf(query: string): AsyncGenerator<readonly RunInfo[]> {
    let next: string | undefined;
    do {
      const page = await wire.list({
        pageSize: PAGE_RUNS,
        query,
        ...(next === undefined ? {} : { from: next }),
      });
      yield page.runs;
      next = page.next;
    } while (next !== undefined);
  }

  function started(record: JobRecord | undefined): JobRecord {
    if (!record) throw new FrameloomError('unavailable', 'The job was deleted while it was being started.');
    return record;
  }

  return {
    describe,

    async start({ jobId, memo, key }) {
      // Nearly all jobs are new. Only the others cost a call to find out whether they were deleted and may
      // run again.
      const record = await startRun(jobId, memo, REUSE[key]);
      return record ?? started(await startRun(jobId, memo, 'ALLOW_DUPLICATE'));
    },

    async retry(ended) {
      const latest = await describe(ended.id);
      if (!latest) throw new FrameloomError('not_found', 'The job was deleted.');
      if (latest.run !== ended.run) return latest;
      return started(await startRun(ended.id, retryMemo(ended, new Date().toISOString()), 'ALLOW_DUPLICATE'));
    },

    async list(input) {
      requireTenant(input.tenant);
      // Only the last run of a chain represents the job.
      const query = `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${input.tenant}' AND ExecutionStatus!='ContinuedAsNew'`;
      const listedOf = (run: RunInfo): JobRecord => recordOf({ ...run, cancelRequested: false });
      const page = await listJobs({ wire, recordOf: listedOf, query }, input);
      const deleted = await Promise.all(page.records.map(isDeleted));
      return { ...page, records: page.records.filter((_, index) => !deleted[index]) };
    },

    async queuePosition({ id, memo, createdAt }) {
      const priority = PRIORITY_KEYS[memo.priority];
      return await wire.count(
        `WorkflowType='${WORKFLOW_TYPE}' AND ExecutionStatus='Running' AND WorkflowId!='${id}' AND ` +
          `(FrameloomPriority<${priority} OR (FrameloomPriority=${priority} AND StartTime<'${createdAt}'))`,
      );
    },

    async gpuBacklog({ memo }) {
      const priority = PRIORITY_KEYS[memo.priority];
      const { byPriority, rate } = await wire.backlog(TASK_QUEUES.gpu);
      const waiting = [...byPriority].filter(([key]) => key <= priority).map(([, length]) => length);
      return { tasks: waiting.reduce((sum, length) => sum + length, 0), tasksPerSecond: rate };
    },

    async tenantUsage({ tenant, from, until }) {
      requireTenant(tenant);
      // Runs of deleted jobs first: the server lists them for up to a minute more.
      const deleted = new Set<string>();
      let usage = NO_USAGE;
      for await (const record of usageRecords(store, { tenant, from, until })) {
        deleted.add(record.run);
        usage = sumUsage([usage, record.usage ?? undefined]);
      }
      let jobs = deleted.size;
      const query =
        `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ExecutionStatus!='ContinuedAsNew' ` +
        `AND StartTime>='${from}' AND StartTime<'${until}'`;
      for await (const runs of pagesOf(query)) {
        const counted = runs.filter(({ runId }) => !deleted.has(runId));
        jobs += counted.length;
        usage = sumUsage([usage, ...counted.map(({ memo }) => (memo as unknown as JobMemo).usage)]); // as in recordOf
      }
      return { jobs, usage };
    },

    async admissionUsage({ tenant, from, until }) {
      requireTenant(tenant);
      let unfinished = 0;
      let videoSeconds = 0;
      const deleted = new Set<string>();
      for await (const record of usageRecords(store, { tenant, from, until })) {
        deleted.add(record.run);
        videoSeconds += record.usage?.videoSeconds ?? 0;
      }
      const query =
        `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ((ExecutionStatus='Running' AND ` +
        `ParentWorkflowId IS NULL) OR (ExecutionStatus!='ContinuedAsNew' AND StartTime>='${from}' AND StartTime<'${until}'))`;
      for await (const runs of pagesOf(query)) {
        for (const { runId, state, isChild, startTime = '', memo } of runs) {
          if (deleted.has(runId)) continue;
          if (state === 'running' && !isChild) unfinished += 1;
          const isOfToday = startTime >= from && startTime < until;
          if (isOfToday) videoSeconds += (memo as unknown as JobMemo).usage?.videoSeconds ?? 0; // as in recordOf
        }
      }
      return { unfinished, videoSeconds };
    },

    async unfinished(tenant) {
      requireTenant(tenant);
      return await wire.count(
        // The jobs of a batch are its children.
        `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ExecutionStatus='Running' AND ParentWorkflowId IS NULL`,
      );
    },

    cancel: (id) => wire.cancel(id),

    async delete(id) {
      // Not `describe`: a deletion that failed halfway is completed by another call.
      let latest = await wire.describe(id);
      if (latest?.state === 'running') {
        await wire.terminate(id);
        latest = await wire.describe(id);
      }
      if (!latest) return;
      const { runs } = await wire.list({ pageSize: MAX_RUNS_DELETED, query: `WorkflowId='${id}'` });
      // The list may not contain the latest run yet.
      const all = new Map([...runs, latest].map((run) => [run.runId, run] as const));
      for (const run of all.values()) if (!isContinued(run)) await storeUsageRecord(store, run);
      const chains = [...all.values()].map((run) => recordOf({ cancelRequested: false, ...run }).run);
      for (const run of new Set(chains)) await store.put(deletionMarkerName(id, run), new Uint8Array());
      await wire.deleteRuns(id, [...all.keys()]);
    },

    batches: createTemporalBatches(wire),
    estimates: createTemporalEstimates(wire),
    ready: () => wire.ready(),
  };
}

/** Whether another run of the chain followed. Its memo has the usage of both. */
function isContinued({ state, closeTime }: RunInfo): boolean {
  return state === 'running' && closeTime !== undefined;
}

/** A tenant becomes part of a query, so it must not contain quotes. */
function requireTenant(tenant: string): void {
  if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('invalid tenant');
}

function recordOf(run: DescribedRun): JobRecord {
  const { state, closeTime } = run;
  const memo = run.memo as unknown as JobMemo; // written by `startRun` above and by the workflow from that type
  return {
    id: JobId.parse(run.workflowId),
    // Lists do not contain the first run of a chain. The memo does.
    run: run.firstRunId || (memo.run ?? run.runId),
    state: state === 'running' && run.cancelRequested ? 'cancelling' : state,
    memo,
    ...(run.isWaiting ? { isWaiting: true } : {}),
    createdAt: memo.createdAt,
    ...(closeTime === undefined ? {} : { closedAt: closeTime }),
  };
}
