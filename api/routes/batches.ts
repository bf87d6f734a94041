/** Batches: many summaries from one file of JSON lines, compatible with the Batch API of OpenAI. */
import { FrameloomError } from '../../core/errors.ts';
import {
  type BatchStatus,
  isFinalBatchStatus,
  type ShardLine,
  unfinishedLineError,
} from '../../schema/batch.ts';
import {
  type BatchOutcome,
  type BatchReader,
  OUTCOME_VERSION,
  type OutputLine,
  outputLines,
} from '../../schema/batch-output.ts';
import { type BatchId, batchIdFor } from '../../schema/ids.ts';
import { requireVersion } from '../../schema/versioned.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { batchOutcomeName, batchShardName, replacedShardName } from '../../store/names.ts';
import type { BatchRecord } from '../../temporal/batch-orchestrator.ts';
import { type Api, type ApiDeps, idempotencyKey, type QuotaGuard } from '../app/index.ts';
import {
  batchFingerprint,
  batchStatus,
  batchView,
  createRetryMemo,
  findBatchFile,
  ingestBatch,
} from '../batches/index.ts';
import { readJson } from '../jobs/index.ts';
import * as operations from '../operations/index.ts';

/**
 * Maximum wait for a batch to apply a request, in milliseconds. The batch applies it even if the wait ends
 * first.
 */
const CONTROL_TIMEOUT_MS = 3000;
const CONTROL_POLL_MS = 50;

interface BatchFinder {
  /** @throws FrameloomError `not_found` if the tenant has no such batch */
  find(tenant: string, id: BatchId): Promise<BatchRecord>;
  /** Waits until `isApplied`, but not longer than CONTROL_TIMEOUT_MS. */
  waitUntilApplied(
    id: BatchId,
    tenant: string,
    isApplied: (record: BatchRecord) => boolean,
  ): Promise<BatchRecord>;
}

function createBatchFinder({ orchestrator: { batches }, clock, closing }: ApiDeps): BatchFinder {
  async function find(tenant: string, id: BatchId): Promise<BatchRecord> {
    const record = await batches.describe(id);
    if (record?.memo.tenant !== tenant) throw new FrameloomError('not_found', 'No such batch.');
    return record;
  }

  async function waitUntilApplied(
    id: BatchId,
    tenant: string,
    isApplied: (record: BatchRecord) => boolean,
  ): Promise<BatchRecord> {
    const until = clock.now() + CONTROL_TIMEOUT_MS;
    for (;;) {
      const record = await find(tenant, id);
      if (isApplied(record) || clock.now() >= until) return record;
      await clock.sleep(CONTROL_POLL_MS, closing);
      if (closing?.aborted) return record;
    }
  }

  return { find, waitUntilApplied };
}

export function batchRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { store } = deps;
  const { batches } = deps.orchestrator;
  const { find } = createBatchFinder(deps);
  batchControlRoutes(app, deps);

  app.openapi(operations.createBatch, async (c) => {
    const tenant = c.get('tenant');
    const request = c.req.valid('json');
    const { input_file_id: fileId } = request;
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const id = await batchIdFor(tenant, key);
    const file = fileId === undefined ? undefined : await findBatchFile(store, tenant, fileId);
    const known = key === undefined ? undefined : await batches.describe(id);
    if (!known) await quotas.admit(c, 'uncounted');
    const record = known ?? (await batches.start(id, await ingestBatch(deps, tenant, id, request, file)));
    if (record.memo.fingerprint !== (await batchFingerprint(request, file))) {
      throw new FrameloomError('idempotency_conflict', 'This key was used with another batch.');
    }
    c.header('Location', `/v1/batches/${id}`);
    return c.json(await batchView(store, record), 200);
  });

  app.openapi(operations.listBatches, async (c) => {
    const tenant = c.get('tenant');
    const { limit = 20, after } = c.req.valid('query');
    const from = after === undefined ? {} : { after: await find(tenant, after) };
    const found = await batches.list({ tenant, limit: limit + 1, ...from });
    const data = await Promise.all(found.slice(0, limit).map((record) => batchView(store, record)));
    return c.json(
      {
        object: 'list' as const,
        data,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: found.length > limit,
      },
      200,
    );
  });

  app.openapi(operations.getBatch, async (c) =>
    c.json(await batchView(store, await find(c.get('tenant'), c.req.valid('param').id)), 200),
  );

  app.openapi(operations.getBatchResults, async (c) => {
    const record = await find(c.get('tenant'), c.req.valid('param').id);
    const status = batchStatus(record);
    const lines = outputLines(
      readerOf(store, record),
      isFinalBatchStatus(status) ? unfinishedLineError(status) : undefined,
    );
    const body = c.req.method === 'HEAD' ? null : streamOf(lines);
    // The types treat jsonl as JSON.
    return new Response(body, { headers: { 'Content-Type': 'application/jsonl' } }) as never;
  });
}

/** Routes that change a batch. */
function batchControlRoutes(app: Api, deps: ApiDeps): void {
  const { store } = deps;
  const { batches } = deps.orchestrator;
  const { find, waitUntilApplied } = createBatchFinder(deps);

  app.openapi(operations.updateBatch, async (c) => {
    const { id } = c.req.valid('param');
    const { max_in_flight: maxInFlight } = c.req.valid('json');
    requireActive(await find(c.get('tenant'), id));
    await batches.control(id, { type: 'limit', maxInFlight });
    const after = await waitUntilApplied(id, c.get('tenant'), ({ memo }) => memo.maxInFlight === maxInFlight);
    return c.json(await batchView(store, after), 200);
  });

  app.openapi(operations.cancelBatch, async (c) => {
    const { id } = c.req.valid('param');
    const before = await find(c.get('tenant'), id);
    if (isFinalBatchStatus(batchStatus(before))) return c.json(await batchView(store, before), 200);
    await batches.cancel(id);
    const after = await waitUntilApplied(
      id,
      c.get('tenant'),
      (record) => batchStatus(record) !== batchStatus(before),
    );
    return c.json(await batchView(store, after), 200);
  });

  async function control(tenant: string, id: BatchId, verb: 'pause' | 'resume'): Promise<BatchRecord> {
    requireActive(await find(tenant, id));
    await batches.control(id, { type: verb });
    return await waitUntilApplied(id, tenant, (record) => {
      const status = batchStatus(record);
      return verb === 'pause' ? status !== 'in_progress' && status !== 'validating' : status !== 'paused';
    });
  }

  app.openapi(operations.pauseBatch, async (c) =>
    c.json(await batchView(store, await control(c.get('tenant'), c.req.valid('param').id, 'pause')), 200),
  );

  app.openapi(operations.resumeBatch, async (c) =>
    c.json(await batchView(store, await control(c.get('tenant'), c.req.valid('param').id, 'resume')), 200),
  );

  app.openapi(operations.retryBatch, async (c) => {
    const { id } = c.req.valid('param');
    const record = await find(c.get('tenant'), id);
    const memo = createRetryMemo(record, Math.floor(deps.clock.now() / 1000));
    return c.json(await batchView(store, await batches.retry(id, memo)), 200);
  });
}

/** @throws FrameloomError `batch_state` if the batch has ended or is about to end */
function requireActive(record: BatchRecord): void {
  const status: BatchStatus = batchStatus(record);
  if (isFinalBatchStatus(status) || status === 'cancelling' || status === 'finalizing')
    throw new FrameloomError('batch_state', `The batch is ${status}.`);
}

function readerOf(store: BlobStore, { id, memo }: BatchRecord): BatchReader {
  const { input, shards, round } = memo;
  async function json(name: string): Promise<unknown> {
    return (await store.head(name)) === undefined ? undefined : await readJson(store, name);
  }
  return {
    shards,
    round,
    json,
    async shard(number) {
      const name = batchShardName(id, input, number);
      // Written by ingestBatch.
      return ((await json(name)) ?? (await readJson(store, replacedShardName(name)))) as readonly ShardLine[];
    },
    async outcome(line, from) {
      for (let tried = from; tried >= 1; tried -= 1) {
        const name = batchOutcomeName(id, line, tried);
        const found = await json(name);
        if (found !== undefined) return requireVersion<BatchOutcome>(found, OUTCOME_VERSION, name);
      }
      return undefined;
    },
  };
}

function streamOf(lines: AsyncGenerator<OutputLine>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const next = await lines.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(`${next.value.text}\n`));
    },
    async cancel() {
      await lines.return(undefined);
    },
  });
}
