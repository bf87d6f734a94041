/**
 * Temporal over its HTTP API, for platforms without gRPC: it requires only `fetch`. Self-hosted servers
 * provide the API (`services.frontend.rpc.httpPort`); Temporal Cloud does not (see docs/edge.md).
 *
 * The API has no route to delete one run. Runs are deleted by a batch operation of the server, of which a
 * namespace runs one at a time: concurrent deletions wait for each other, and fail as `unavailable` when that
 * takes too long.
 */
import { TASK_QUEUES, WORKFLOW_TASK_SECONDS } from '../../schema/task-queues.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { createOrchestrator } from '../jobs.ts';
import type { Orchestrator } from '../orchestrator.ts';
import { isWaitingFor } from '../run-status.ts';
import type { TemporalWire } from '../wire.ts';
import { createTemporalHttpClient, NOT_FOUND, type TemporalHttpOptions } from './client.ts';
import { toPayload, toPayloads } from './payloads.ts';
import { type ExecutionJson, runInfoOf } from './run-info.ts';

/** Attempts while another deletion runs. Their backoff adds up to about 10 s. */
const DELETE_ATTEMPTS = 8;
/** Most runs of one batch operation. */
const MAX_RUNS_PER_DELETE = 1000;
/** gRPC's ALREADY_EXISTS. */
const ALREADY_EXISTS = 6;

interface QueueStatsJson {
  readonly approximateBacklogCount?: string;
  readonly tasksDispatchRate?: number;
}

/** Creates the orchestrator over the HTTP API at `options.url`. `store` gets the markers of deleted jobs. */
export function createTemporalHttpOrchestrator(options: TemporalHttpOptions, store: BlobStore): Orchestrator {
  return createOrchestrator(httpWire(options), store);
}

/** The wire over HTTP. One long function, because it only lists its requests, which share one client. */
function httpWire(options: TemporalHttpOptions): TemporalWire {
  const { get, post, ready } = createTemporalHttpClient(options);
  const runs = (workflowId: string): string => `/workflows/${encodeURIComponent(workflowId)}`;

  return {
    async start({ type, workflowId, input, memo, attributes, reuse, priority }) {
      const indexed = attributes.map(({ name, type: kind, value }) => [
        name,
        toPayload(value, { type: kind }),
      ]);
      const body = {
        workflowType: { name: type },
        taskQueue: { name: TASK_QUEUES.workflow },
        workflowTaskTimeout: `${WORKFLOW_TASK_SECONDS}s`,
        input: { payloads: [toPayload(input)] },
        memo: { fields: toPayloads(memo) },
        searchAttributes: { indexedFields: Object.fromEntries(indexed) },
        workflowIdReusePolicy: `WORKFLOW_ID_REUSE_POLICY_${reuse}`,
        workflowIdConflictPolicy: 'WORKFLOW_ID_CONFLICT_POLICY_FAIL',
        requestId: crypto.randomUUID(),
        priority,
      };
      const response = await post<{ readonly runId?: string }>(runs(workflowId), body, {
        expect: [ALREADY_EXISTS],
      });
      return response?.runId;
    },

    async describe(workflowId) {
      const answer = await get<{
        readonly workflowExecutionInfo?: ExecutionJson;
        readonly workflowExtendedInfo?: { readonly cancelRequested?: boolean };
        readonly pendingActivities?: readonly { readonly state?: string }[];
      }>(runs(workflowId), {}, { expect: [NOT_FOUND] });
      const info = answer?.workflowExecutionInfo;
      if (!info) return undefined;
      return {
        ...runInfoOf(info),
        cancelRequested: answer.workflowExtendedInfo?.cancelRequested ?? false,
        isWaiting: isWaitingFor(answer.pendingActivities),
      };
    },

    async list({ query, pageSize, from }) {
      const page = await get<{
        readonly executions?: readonly ExecutionJson[];
        readonly nextPageToken?: string;
      }>('/workflows', {
        query,
        pageSize: String(pageSize),
        ...(from === undefined ? {} : { nextPageToken: standardBase64(from) }),
      });
      const found = (page?.executions ?? []).map(runInfoOf);
      return page?.nextPageToken ? { runs: found, next: urlBase64(page.nextPageToken) } : { runs: found };
    },

    async count(query) {
      const answer = await get<{ readonly count?: string }>('/workflow-count', { query });
      return Number(answer?.count ?? 0);
    },

    async backlog(queue) {
      const answer = await get<{
        readonly stats?: QueueStatsJson;
        readonly statsByPriorityKey?: Readonly<Record<string, QueueStatsJson>>;
      }>(`/task-queues/${encodeURIComponent(queue)}`, {
        taskQueueType: 'TASK_QUEUE_TYPE_ACTIVITY',
        reportStats: 'true',
      });
      const levels = Object.entries(answer?.statsByPriorityKey ?? {});
      return {
        byPriority: new Map(
          levels.map(([key, level]) => [Number(key), Number(level.approximateBacklogCount ?? 0)]),
        ),
        rate: answer?.stats?.tasksDispatchRate ?? 0,
      };
    },

    async signal(workflowId, name, argument) {
      const body = { input: { payloads: [toPayload(argument)] }, requestId: crypto.randomUUID() };
      await post(`${runs(workflowId)}/signal/${encodeURIComponent(name)}`, body, { expect: [NOT_FOUND] });
    },

    async cancel(workflowId) {
      await post(`${runs(workflowId)}/cancel`, { requestId: crypto.randomUUID() }, { expect: [NOT_FOUND] });
    },

    async terminate(workflowId) {
      await post(
        `${runs(workflowId)}/terminate`,
        { reason: 'deleted by the client' },
        { expect: [NOT_FOUND] },
      );
    },

    async deleteRuns(workflowId, runIds) {
      for (let from = 0; from < runIds.length; from += MAX_RUNS_PER_DELETE) {
        const executions = runIds
          .slice(from, from + MAX_RUNS_PER_DELETE)
          .map((runId) => ({ workflowId, runId }));
        const body = { executions, reason: 'deleted by the client', deletionOperation: {} };
        await post(`/batch-operations/${crypto.randomUUID()}`, body, {
          attempts: DELETE_ATTEMPTS,
          expect: [ALREADY_EXISTS], // an earlier attempt whose response was lost
        });
      }
    },

    ready,
  };
}

function urlBase64(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function standardBase64(base64url: string): string {
  const base64 = base64url.replaceAll('-', '+').replaceAll('_', '/');
  return base64.padEnd(Math.ceil(base64.length / 4) * 4, '=');
}
