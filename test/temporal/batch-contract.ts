/**
 * What the batch part of every Orchestrator must do. Run against the fake and against a real Temporal server.
 */
import { describe, expect, it } from 'vitest';
import type { BatchMemo } from '../../schema/batch.ts';
import { type BatchId, batchIdFor } from '../../schema/ids.ts';
import type { BatchOrchestrator, BatchRecord } from '../../temporal/batch-orchestrator.ts';

/** A batch orchestrator under test, with a hand on its batches. */
export interface BatchBench {
  readonly batches: BatchOrchestrator;
  /** Ends a running batch as completed, and resolves when `describe` shows it. */
  complete(id: BatchId): Promise<void>;
  /** Resolves when `describe` shows a record that holds. */
  until(id: BatchId, holds: (record: BatchRecord) => boolean): Promise<BatchRecord>;
}

let number = 0;

async function newBatch(tenant = 'default'): Promise<{ id: BatchId; memo: BatchMemo }> {
  number += 1;
  const key = `contract ${process.pid} ${Date.now()} ${number}`;
  const memo: BatchMemo = {
    ...{
      tenant,
      fingerprint: key,
      input: 'abc',
      inputFileId: null,
      completionWindow: '24h',
      hasTexts: true,
    },
    ...{ shards: 1, total: 3, invalid: 1, round: 1, maxInFlight: 2, completed: 0, failed: 1, times: {} },
    ...{ createdAt: 1_700_000_000, expiresAt: 4_000_000_000, status: 'validating' },
  };
  return { id: await batchIdFor(tenant, key), memo };
}

/** Registers the suite. `bench` is called by each test, within the life of the caller's server. */
export function describeBatches(name: string, bench: () => BatchBench): void {
  describe(`the batch orchestrator: ${name}`, () => {
    it('starts a batch once that carries its memo, and answers the first to another start', async () => {
      const { batches } = bench();
      const { id, memo } = await newBatch();
      const records = await Promise.all(Array.from({ length: 10 }, () => batches.start(id, memo)));
      for (const record of records) expect(record).toEqual(records[0]);
      expect(records[0]).toMatchObject({ id, state: 'running', memo });
      const other = await batches.start(id, { ...memo, fingerprint: 'another' });
      expect(other.memo.fingerprint).toBe(memo.fingerprint);
    });

    it('tells a running batch what it is told, and nothing to one that has ended or never was', async () => {
      const { batches, complete, until } = bench();
      const { id, memo } = await newBatch();
      await batches.control(id, { type: 'pause' });
      await batches.start(id, memo);
      await batches.control(id, { type: 'pause' });
      await until(id, (record) => record.memo.status === 'paused');
      await batches.control(id, { type: 'limit', maxInFlight: 9 });
      await until(id, (record) => record.memo.maxInFlight === 9);
      await batches.control(id, { type: 'resume' });
      await until(id, (record) => record.memo.status === 'in_progress');
      await complete(id);
      await batches.control(id, { type: 'pause' });
      await batches.cancel(id);
      expect((await batches.describe(id))?.state).toBe('completed');
    });

    it('shows at once that a batch is being cancelled', async () => {
      const { batches } = bench();
      const { id, memo } = await newBatch();
      await batches.start(id, memo);
      await batches.cancel(id);
      expect(['cancelling', 'cancelled']).toContain((await batches.describe(id))?.state);
    });

    it('makes one round of 10 equal retries, and none after it of a look before it', async () => {
      const { batches, complete } = bench();
      const { id, memo } = await newBatch();
      await batches.start(id, memo);
      await complete(id);
      const next: BatchMemo = { ...memo, round: 2, completed: 1 };
      const records = await Promise.all(Array.from({ length: 10 }, () => batches.retry(id, next)));
      for (const record of records) expect(record).toEqual(records[0]);
      expect(records[0]).toMatchObject({ state: 'running', memo: next });
      await complete(id);
      expect(await batches.retry(id, next)).toMatchObject({ state: 'completed', memo: { round: 2 } });
    });

    it('retries nothing that is not there', async () => {
      const { batches } = bench();
      const { id, memo } = await newBatch();
      expect(await batches.describe(id)).toBeUndefined();
      await expect(batches.retry(id, memo)).rejects.toMatchObject({ code: 'not_found' });
    });

    it("lists a tenant's batches, each once, newest first, page by page", async () => {
      const { batches } = bench();
      const tenant = `tenant-${process.pid}-${Date.now()}`;
      const ids: BatchId[] = [];
      for (let count = 0; count < 5; count += 1) {
        const { id, memo } = await newBatch(tenant);
        await batches.start(id, memo);
        ids.unshift(id);
      }
      await expect
        .poll(async () => (await batches.list({ tenant, limit: 10 })).map(({ id }) => id), {
          timeout: 20_000,
        })
        .toEqual(ids);
      const paged: BatchId[] = [];
      let after: BatchRecord | undefined;
      do {
        const page = await batches.list({ tenant, limit: 2, ...(after ? { after } : {}) });
        paged.push(...page.map(({ id }) => id));
        after = page.at(-1);
      } while (after);
      expect(paged).toEqual(ids);
    });
  });
}
