import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type JobId, jobIdFor } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import { isClosed, type Orchestrator } from '../../temporal/orchestrator.ts';
import { newMemo } from '../support/requests.ts';
import { startTemporalServer } from '../support/temporal-server.ts';
import { describeBatches } from './batch-contract.ts';
import { act as actSignal } from './contract-workflow.ts';
import { describeOrchestrator } from './orchestrator-contract.ts';
import { startTemporalRig, type TemporalRig } from './rig.ts';

describe('over gRPC', () => {
  let rig: TemporalRig;
  let client: Client;
  let store: ArtifactStore;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    rig = await startTemporalRig();
    ({ client, store } = rig);
    orchestrator = createTemporalOrchestrator(client, store);
  }, 120_000);

  afterAll(() => rig[Symbol.asyncDispose](), 30_000);

  describeOrchestrator('Temporal', () => rig.bench(orchestrator));
  describeBatches('Temporal', () => rig.batchBench(orchestrator));

  it('sees one job in a chain of runs: its first run, its beginning, its memo; and deletes them all', async () => {
    const key = `chain ${Date.now()}`;
    const tenant = `chain-${Date.now()}`;
    const jobId = await jobIdFor(tenant, key);
    const memo: JobMemo = { ...newMemo(tenant, key), createdAt: '2026-01-01T00:00:00.000Z' };
    const { run } = await orchestrator.start({ jobId, memo, key: 'idempotency' });
    const handle = client.workflow.getHandle(jobId);
    const runIds: string[] = [];
    for (let runs = 1; runs < 4; runs += 1) {
      const { runId } = await handle.describe();
      runIds.push(runId);
      await handle.signal(actSignal, 'goOn');
      await expect.poll(async () => (await handle.describe()).runId, { timeout: 20_000 }).not.toBe(runId);
    }
    await handle.signal(actSignal, 'begin');
    const expected = {
      id: jobId,
      run,
      state: 'running',
      createdAt: memo.createdAt,
      memo: { ...memo, run, startedAt: '2026-01-01T00:00:00.000Z' },
    };
    expect(await rig.until(orchestrator, jobId, (record) => record.memo.startedAt !== undefined)).toEqual(
      expected,
    );
    await expect
      .poll(async () => (await orchestrator.list({ tenant, limit: 10 })).records, { timeout: 20_000 })
      .toEqual([expected]);
    await orchestrator.cancel(jobId);
    expect(await rig.until(orchestrator, jobId, isClosed)).toMatchObject({ run, state: 'cancelled' });
    await expect.poll(() => countRuns(jobId), { timeout: 20_000 }).toBe(4);
    runIds.push((await handle.describe()).runId);
    const asked = vi.spyOn(client.workflowService, 'deleteWorkflowExecution');
    await orchestrator.delete(jobId);
    expect(await orchestrator.describe(jobId)).toBeUndefined();
    expect((await orchestrator.list({ tenant, limit: 10 })).records).toEqual([]);
    // When the server forgets them is its own affair: from at once to some minutes.
    expect(asked.mock.calls.map(([deletion]) => deletion.workflowExecution?.runId)).toEqual(
      expect.arrayContaining(runIds),
    );
  }, 90_000);

  async function countRuns(id: JobId): Promise<number> {
    return (await client.workflow.count(`WorkflowId='${id}'`)).count;
  }

  it('is neither ready nor found when the server has gone', async () => {
    const second = await startTemporalServer();
    const connection = await Connection.connect({ address: second.address });
    const cut = createTemporalOrchestrator(new Client({ connection }), store, 1000);
    expect(await cut.ready()).toBe(true);
    await second[Symbol.asyncDispose]();
    expect(await cut.ready()).toBe(false);
    await expect(cut.describe(`sum_${'a'.repeat(26)}` as JobId)).rejects.toMatchObject({
      code: 'unavailable',
    }); // of the shape of an id
    await connection.close();
  }, 60_000);
});
