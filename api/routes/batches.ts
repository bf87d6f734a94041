/** Batches: many jobs from one file, as in OpenAI's Batch API. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';
import {
  Batch,
  BatchChange,
  BatchCreate,
  BatchList,
  type BatchStatus,
  isFinalBatch,
  type ShardLine,
  unfinished,
} from '../../schema/batch.ts';
import {
  type BatchOutcome,
  type BatchReader,
  type OutputLine,
  outputLines,
} from '../../schema/batch-output.ts';
import { BatchId, batchIdFor } from '../../schema/ids.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { batchOutcomeName, batchShardName } from '../../store/names.ts';
import type { BatchRecord } from '../../temporal/batch-orchestrator.ts';
import {
  type Api,
  type ApiDeps,
  idempotencyHeader,
  idempotencyKey,
  integerParam,
  jsonLimit,
  problems,
  type QuotaGuard,
} from '../app/index.ts';
import {
  batchFingerprint,
  batchStatus,
  batchView,
  findLines,
  memoOfNextRound,
  TAKE_IN_REFUSALS,
  takeIn,
} from '../batches/index.ts';
import { readJson } from '../jobs/index.ts';

const Params = z.object({ id: BatchId.meta({ description: 'Id of the batch.' }) });
const content = { 'application/json': { schema: Batch } };

/** Longest wait for a batch to do what it was told, in milliseconds; it does it later all the same. */
const HEED = 3000;
const LOOK_EVERY = 50;

const create = createRoute({
  method: 'post',
  path: '/v1/batches',
  operationId: 'createBatch',
  summary: 'Start a batch',
  description:
    'Every line is checked first: bad ones become lines of the error file and the others are run, unless `fail_fast` is set. ' +
    'Requests with the same `Idempotency-Key` are one batch; so are the same bytes uploaded twice.',
  tags: ['Batches'],
  middleware: [jsonLimit] as const,
  request: {
    headers: idempotencyHeader('archive-2026-11'),
    body: { required: true, content: { 'application/json': { schema: BatchCreate } } },
  },
  responses: {
    200: { description: 'The batch.', content },
    ...problems(...TAKE_IN_REFUSALS),
  },
});

const list = createRoute({
  method: 'get',
  path: '/v1/batches',
  operationId: 'listBatches',
  summary: 'List batches',
  description: 'Newest first. The list may lag behind by a moment.',
  tags: ['Batches'],
  request: {
    query: z.object({
      limit: integerParam(1, 100, 'Most batches of a page; 20 if not given.').optional(),
      after: BatchId.optional().meta({ description: '`last_id` of the page before.' }),
    }),
  },
  responses: {
    200: { description: 'A page of batches.', content: { 'application/json': { schema: BatchList } } },
    ...problems('invalid_request', 'not_found', 'unavailable'),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/batches/{id}',
  operationId: 'getBatch',
  summary: 'One batch',
  tags: ['Batches'],
  request: { params: Params },
  responses: { 200: { description: 'The batch.', content }, ...problems('not_found', 'unavailable') },
});

const change = createRoute({
  method: 'patch',
  path: '/v1/batches/{id}',
  operationId: 'changeBatch',
  summary: 'Change how many jobs are under way at once',
  tags: ['Batches'],
  middleware: [jsonLimit] as const,
  request: {
    params: Params,
    body: { required: true, content: { 'application/json': { schema: BatchChange } } },
  },
  responses: {
    200: { description: 'The batch.', content },
    ...problems('invalid_request', 'not_found', 'batch_state', 'unavailable'),
  },
});

const results = createRoute({
  method: 'get',
  path: '/v1/batches/{id}/results',
  operationId: 'getBatchResults',
  summary: 'Results so far',
  description:
    'Output and error lines in the order of the input. While the batch runs, those that are done; once it has ended, exactly one for ' +
    'each line of the input.',
  tags: ['Batches'],
  request: { params: Params },
  responses: {
    200: {
      description: 'One JSON object a line.',
      content: { 'application/jsonl': { schema: z.string() } },
    },
    ...problems('not_found', 'unavailable', 'storage_unavailable'),
  },
});

function action(verb: 'cancel' | 'pause' | 'resume' | 'retry', summary: string, description: string) {
  return createRoute({
    method: 'post',
    path: `/v1/batches/{id}/${verb}` as const,
    operationId: `${verb}Batch`,
    summary,
    description,
    tags: ['Batches'],
    request: { params: Params },
    responses: {
      200: { description: 'The batch.', content },
      ...problems('not_found', 'batch_state', 'unavailable'),
    },
  });
}

const cancel = action(
  'cancel',
  'Cancel a batch',
  'Stops what is under way and begins nothing more. What is done stays and is in the output file. A batch that has ended stays as it is.',
);
const pause = action('pause', 'Pause a batch', 'Begins nothing more; what is under way is finished.');
const resume = action('resume', 'Resume a paused batch', 'It goes on where it stopped.');
const retry = action(
  'retry',
  'Run again what has no result',
  'Of a batch that has ended: lines that failed, expired or were cancelled are run again, and no other. Bad lines stay bad. The ' +
    'time it has begins anew.',
);

export function batchRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { store, clock } = deps;
  const { batches } = deps.orchestrator;

  async function find(tenant: string, id: BatchId): Promise<BatchRecord> {
    const record = await batches.describe(id);
    if (record?.memo.tenant !== tenant)
      throw new FrameloomError('not_found', 'There is no batch with this id.');
    return record;
  }

  /** The batch once `heeds`, or as it stands when it has taken too long. */
  async function heeded(
    id: BatchId,
    tenant: string,
    heeds: (record: BatchRecord) => boolean,
  ): Promise<BatchRecord> {
    const until = clock.now() + HEED;
    for (;;) {
      const record = await find(tenant, id);
      if (heeds(record) || clock.now() >= until) return record;
      await clock.sleep(LOOK_EVERY, deps.closing);
      if (deps.closing?.aborted) return record;
    }
  }

  app.openapi(create, async (c) => {
    const tenant = c.get('tenant');
    const request = c.req.valid('json');
    const { input_file_id: fileId } = request;
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const id = await batchIdFor(tenant, key);
    const file = fileId === undefined ? undefined : await findLines(store, tenant, fileId);
    const known = key === undefined ? undefined : await batches.describe(id);
    if (!known) await quotas.admit(c, 'uncounted');
    const record = known ?? (await batches.start(id, await takeIn(deps, tenant, id, request, file)));
    if (record.memo.fingerprint !== (await batchFingerprint(request, file))) {
      throw new FrameloomError('idempotency_conflict', 'This key was used with another batch.');
    }
    c.header('Location', `/v1/batches/${id}`);
    return c.json(batchView(record), 200);
  });

  app.openapi(list, async (c) => {
    const tenant = c.get('tenant');
    const { limit = 20, after } = c.req.valid('query');
    const from = after === undefined ? {} : { after: await find(tenant, after) };
    const found = await batches.list({ tenant, limit: limit + 1, ...from });
    const data = found.slice(0, limit).map(batchView);
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

  app.openapi(get, async (c) => c.json(batchView(await find(c.get('tenant'), c.req.valid('param').id)), 200));

  app.openapi(change, async (c) => {
    const { id } = c.req.valid('param');
    const { max_in_flight: maxInFlight } = c.req.valid('json');
    refuseEnded(await find(c.get('tenant'), id));
    await batches.control(id, { do: 'limit', maxInFlight });
    const after = await heeded(id, c.get('tenant'), ({ memo }) => memo.maxInFlight === maxInFlight);
    return c.json(batchView(after), 200);
  });

  app.openapi(results, async (c) => {
    const record = await find(c.get('tenant'), c.req.valid('param').id);
    const status = batchStatus(record);
    const lines = outputLines(readerOf(store, record), isFinalBatch(status) ? unfinished(status) : undefined);
    const body = c.req.method === 'HEAD' ? null : streamOf(lines);
    return new Response(body, { headers: { 'Content-Type': 'application/jsonl' } }) as never; // the types take jsonl for a broken JSON type
  });

  app.openapi(cancel, async (c) => {
    const { id } = c.req.valid('param');
    const before = await find(c.get('tenant'), id);
    if (isFinalBatch(batchStatus(before))) return c.json(batchView(before), 200);
    await batches.cancel(id);
    const after = await heeded(id, c.get('tenant'), (record) => batchStatus(record) !== batchStatus(before));
    return c.json(batchView(after), 200);
  });

  async function tell(tenant: string, id: BatchId, verb: 'pause' | 'resume'): Promise<BatchRecord> {
    refuseEnded(await find(tenant, id));
    await batches.control(id, { do: verb });
    return await heeded(id, tenant, (record) => {
      const status = batchStatus(record);
      return verb === 'pause' ? status !== 'in_progress' && status !== 'validating' : status !== 'paused';
    });
  }

  app.openapi(pause, async (c) =>
    c.json(batchView(await tell(c.get('tenant'), c.req.valid('param').id, 'pause')), 200),
  );

  app.openapi(resume, async (c) =>
    c.json(batchView(await tell(c.get('tenant'), c.req.valid('param').id, 'resume')), 200),
  );

  app.openapi(retry, async (c) => {
    const { id } = c.req.valid('param');
    const record = await find(c.get('tenant'), id);
    const memo = memoOfNextRound(record, Math.floor(clock.now() / 1000));
    return c.json(batchView(await batches.retry(id, memo)), 200);
  });
}

/** Throws `batch_state` for a batch to which nothing can be said any more. */
function refuseEnded(record: BatchRecord): void {
  const status: BatchStatus = batchStatus(record);
  if (isFinalBatch(status) || status === 'cancelling' || status === 'finalizing')
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
    shard: async (number) =>
      (await readJson(store, batchShardName(id, input, number))) as readonly ShardLine[], // written by takeIn
    async outcome(line, from) {
      for (let tried = from; tried >= 1; tried -= 1) {
        const found = await json(batchOutcomeName(id, line, tried));
        if (found !== undefined) return found as BatchOutcome; // written by settleJobs
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
