import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isClosed, type JobRecord, type Orchestrator } from '../../api/orchestrator.ts';
import { createTemporalOrchestrator } from '../../api/temporal-grpc.ts';
import type { JobId } from '../../schema/ids.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder-store.ts';
import { startTemporalServer } from '../support/temporal-server.ts';
import { act as actSignal } from './contract-workflow.ts';
import { describeOrchestrator } from './orchestrator-contract.ts';

describe('over gRPC', () => {
  const closers: (() => PromiseLike<unknown>)[] = [];
  let client: Client;
  let store: ArtifactStore;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
    const server = await startTemporalServer();
    closers.push(() => server[Symbol.asyncDispose]());
    const connection = await Connection.connect({ address: server.address });
    closers.push(() => connection.close());
    const native = await NativeConnection.connect({ address: server.address });
    closers.push(() => native.close());
    client = new Client({ connection });
    const root = await mkdtemp(join(tmpdir(), 'frameloom-temporal-'));
    closers.push(() => rm(root, { recursive: true }));
    store = createFolderStore(root);
    orchestrator = createTemporalOrchestrator(client, store);
    const worker = await Worker.create({
      connection: native,
      taskQueue: 'workflow',
      workflowsPath: fileURLToPath(new URL('contract-workflow.ts', import.meta.url)),
    });
    const running = worker.run();
    closers.push(() => {
      worker.shutdown();
      return running;
    });
  }, 120_000);

  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  }, 30_000);

  async function until(id: JobId, holds: (record: JobRecord) => boolean): Promise<JobRecord> {
    let found: JobRecord | undefined;
    await expect
      .poll(
        async () => {
          found = await orchestrator.describe(id);
          return found !== undefined && holds(found);
        },
        { timeout: 20_000, interval: 50 },
      )
      .toBe(true);
    if (!found) throw new Error('no such job');
    return found;
  }

  describeOrchestrator('Temporal', () => ({
    orchestrator,
    async act(id, what) {
      await client.workflow.getHandle(id).signal(actSignal, what);
      await until(id, what === 'begin' ? (record) => record.memo.startedAt !== undefined : isClosed);
    },
    untilClosed: (id) => until(id, isClosed),
  }));

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
