/**
 * What deleted jobs have used. Their workflows are deleted, so the store keeps id, times and counts, for
 * invoices and quotas.
 */
import type { JobMemo } from '../schema/job.ts';
import type { UsageCost } from '../schema/usage-cost.ts';
import type { BlobStore } from '../store/artifact-store.ts';
import { usageRecordName, usageRecordPrefix } from '../store/names.ts';
import { tenantScope } from '../store/tenant-view.ts';
import type { RunInfo } from './wire.ts';

/** The record of one run of a deleted job. Times are in RFC 3339. */
export interface UsageRecord {
  readonly id: string;
  readonly run: string;
  readonly state: RunInfo['state'];
  readonly started: string;
  readonly ended: string | null;
  readonly usage: UsageCost | null;
}

/** Stores what a run has used. The first record of a run stands. */
export async function storeUsageRecord(store: BlobStore, run: RunInfo): Promise<void> {
  const { tenant, usage } = run.memo as unknown as JobMemo; // written by `startRun` from that type
  const started = run.startTime ?? new Date(0).toISOString();
  const record: UsageRecord = {
    id: run.workflowId,
    run: run.runId,
    state: run.state,
    started,
    ended: run.closeTime ?? null,
    usage: usage ?? null,
  };
  const name = usageRecordName(tenantScope(tenant), started, run.workflowId, run.runId);
  await store.put(name, new TextEncoder().encode(JSON.stringify(record)));
}

/** Yields the records of runs that started in a period; `from` is inclusive, both are in RFC 3339. */
export async function* usageRecords(
  store: BlobStore,
  { tenant, from, until }: { readonly tenant: string; readonly from: string; readonly until: string },
): AsyncGenerator<UsageRecord> {
  const prefix = usageRecordPrefix(tenantScope(tenant));
  for await (const name of store.list(prefix, `${prefix}${from.slice(0, 10)}`)) {
    if (name.slice(prefix.length, prefix.length + 10) > until.slice(0, 10)) return;
    // Written above.
    const record = JSON.parse(new TextDecoder().decode(await store.bytes(name))) as UsageRecord;
    if (record.started >= from && record.started < until) yield record;
  }
}
