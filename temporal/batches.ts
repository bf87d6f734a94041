/** Batches as Temporal workflows, over any adapter. */

import { FrameloomError } from '../core/errors.ts';
import type { BatchMemo } from '../schema/batch.ts';
import { BATCH_CONTROL, type BatchInput } from '../schema/batch-stages.ts';
import { BatchId } from '../schema/ids.ts';
import { PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import { type BatchOrchestrator, type BatchRecord, batchInput } from './batch-orchestrator.ts';
import type { DescribedRun, ReusePolicy, TemporalWire } from './wire.ts';

/** Name of the workflow of a batch. */
const WORKFLOW_TYPE = 'batch';

export function createTemporalBatches(wire: TemporalWire): BatchOrchestrator {
  async function describe(id: BatchId): Promise<BatchRecord | undefined> {
    const run = await wire.describe(id);
    return run && recordOf(run);
  }

  async function start(id: BatchId, memo: BatchMemo, reuse: ReusePolicy): Promise<BatchRecord> {
    await wire.start({
      type: WORKFLOW_TYPE,
      workflowId: id,
      input: batchInput(id, memo) satisfies BatchInput,
      memo,
      attributes: [{ name: TENANT_ATTRIBUTE, type: 'Keyword', value: memo.tenant }],
      reuse,
      priority: { priorityKey: PRIORITY_KEYS.normal, fairnessKey: memo.tenant },
    });
    const record = await describe(id);
    if (!record) throw new FrameloomError('unavailable', 'The batch has not been created yet.');
    return record;
  }

  return {
    describe,
    start: (id, memo) => start(id, memo, 'REJECT_DUPLICATE'),

    async list({ tenant, limit, after }) {
      if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('not a tenant');
      // Times have milliseconds only. Batches of the same millisecond as `after` are queried too and skipped
      // below.
      const before = after ? new Date(Date.parse(after.createdAt) + 1).toISOString() : undefined;
      const page = await wire.list({
        pageSize: limit + (after ? MAX_SAME_MILLISECOND : 0),
        query:
          `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ExecutionStatus!='ContinuedAsNew'` +
          (before === undefined ? '' : ` AND StartTime<'${before}'`),
      });
      const newest = new Map<BatchId, BatchRecord>();
      for (const run of page.runs) {
        const record = recordOf({ ...run, cancelRequested: false });
        if (!newest.has(record.id)) newest.set(record.id, record);
      }
      const records = [...newest.values()];
      const behind = after ? records.findIndex(({ id }) => id === after.id) + 1 : 0;
      return records.slice(behind, behind + limit);
    },

    control: (id, change) => wire.signal(id, BATCH_CONTROL, change),
    cancel: (id) => wire.cancel(id),

    async retry(id, memo) {
      const latest = await describe(id);
      if (!latest) throw new FrameloomError('not_found', 'No such batch.');
      return latest.memo.round >= memo.round ? latest : await start(id, memo, 'ALLOW_DUPLICATE');
    },
  };
}

/** Most batches that start in the same millisecond. */
const MAX_SAME_MILLISECOND = 20;

function recordOf({ workflowId, state, cancelRequested, memo, startTime }: DescribedRun): BatchRecord {
  return {
    id: BatchId.parse(workflowId),
    state: state === 'running' && cancelRequested ? 'cancelling' : state,
    memo: memo as unknown as BatchMemo, // written by `start` above and by the workflow from that type
    createdAt: startTime ?? new Date(0).toISOString(),
  };
}
