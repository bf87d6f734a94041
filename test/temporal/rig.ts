/**
 * A real Temporal server with a worker of the contract's workflows, and benches over it for any orchestrator.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { expect } from 'vitest';
import type { BatchId, JobId } from '../../schema/ids.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import type { BatchRecord } from '../../temporal/batch-orchestrator.ts';
import { isClosed, type JobRecord, type Orchestrator } from '../../temporal/orchestrator.ts';
import { startTemporal } from '../support/temporal.ts';
import type { TestServer } from '../support/temporal-server.ts';
import type { BatchBench } from './batch-contract.ts';
import { act as actSignal } from './contract-workflow.ts';
import type { Bench } from './orchestrator-contract.ts';

export interface TemporalRig extends AsyncDisposable {
  readonly server: TestServer;
  readonly client: Client;
  readonly store: ArtifactStore;
  /** Resolves with the record of a job once it holds. */
  until(orchestrator: Orchestrator, id: JobId, holds: (record: JobRecord) => boolean): Promise<JobRecord>;
  bench(orchestrator: Orchestrator): Bench;
  batchBench(orchestrator: Orchestrator): BatchBench;
}

export async function startTemporalRig(): Promise<TemporalRig> {
  const temporal = await startTemporal();
  const { server, client } = temporal;
  const root = await mkdtemp(join(tmpdir(), 'frameloom-temporal-'));
  await temporal.runWorkers({
    taskQueue: 'workflow',
    workflowsPath: fileURLToPath(new URL('contract-workflow.ts', import.meta.url)),
  });

  const until: TemporalRig['until'] = (orchestrator, id, holds) =>
    untilHolds(() => orchestrator.describe(id), holds);
  return {
    server,
    client,
    store: createFolderStore(root),
    until,
    bench: (orchestrator) => ({
      orchestrator,
      async act(id, what) {
        await client.workflow.getHandle(id).signal(actSignal, what);
        const holds =
          what === 'begin' ? (record: JobRecord) => record.memo.startedAt !== undefined : isClosed;
        await until(orchestrator, id, holds);
      },
      untilClosed: (id) => until(orchestrator, id, isClosed),
    }),
    batchBench({ batches }) {
      const untilBatch = (id: BatchId, holds: (record: BatchRecord) => boolean): Promise<BatchRecord> =>
        untilHolds(() => batches.describe(id), holds);
      return {
        batches,
        async complete(id) {
          await client.workflow.getHandle(id).signal(actSignal, 'complete');
          await untilBatch(id, ({ state }) => state === 'completed');
        },
        until: untilBatch,
      };
    },
    async [Symbol.asyncDispose]() {
      await temporal[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

async function untilHolds<T>(look: () => Promise<T | undefined>, holds: (found: T) => boolean): Promise<T> {
  let found: T | undefined;
  await expect
    .poll(
      async () => {
        found = await look();
        return found !== undefined && holds(found);
      },
      { timeout: 20_000, interval: 50 },
    )
    .toBe(true);
  if (found === undefined) throw new Error('there is no such record');
  return found;
}
