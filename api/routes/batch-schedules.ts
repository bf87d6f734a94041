/** Schedules: batches that run repeatedly. */
import { FrameloomError } from '../../core/errors.ts';
import { type BatchSchedule, firingKey, type ScheduleCreate } from '../../schema/batch-schedule.ts';
import type { File } from '../../schema/file.ts';
import { batchIdFor, type ScheduleId, scheduleIdFor } from '../../schema/ids.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { schedulePrefix, scheduleShardName, scheduleTextsName } from '../../store/names.ts';
import type { ScheduleRecord } from '../../temporal/schedule-orchestrator.ts';
import { type Api, type ApiDeps, idempotencyKey, type QuotaGuard } from '../app/index.ts';
import { batchFingerprint, findBatchFile, ingestBatch, readBatchTexts } from '../batches/index.ts';
import * as operations from '../operations/index.ts';

function rejectSchedules(): never {
  throw new FrameloomError('not_supported', 'This server does not support schedules. The API on Node does.');
}

/**
 * Registers the routes. They respond with `not_supported` if the orchestrator has no schedules. One long
 * function, because its handlers are short and share the lookup of a schedule.
 */
export function batchScheduleRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { store } = deps;
  const { schedules } = deps.orchestrator;
  if (schedules === undefined) {
    for (const path of ['/v1/batch-schedules', '/v1/batch-schedules/*']) app.all(path, rejectSchedules);
    return;
  }
  const orchestrator = schedules;

  async function find(tenant: string, id: ScheduleId): Promise<ScheduleRecord> {
    const record = await orchestrator.describe(id);
    if (record?.memo.tenant !== tenant) throw new FrameloomError('not_found', 'No such schedule.');
    return record;
  }

  async function startSchedule(
    tenant: string,
    id: ScheduleId,
    request: ScheduleCreate & { readonly fail_fast: true },
    file: File | undefined,
  ): Promise<void> {
    const { cron = null, every = null, timezone = null, paused } = request;
    try {
      const { fingerprint, input, inputFileId, completionWindow, ...taken } = await ingestBatch(
        { ...deps, repeats: true },
        tenant,
        // Each batch has job ids of its own. These are used for validation only.
        await batchIdFor(tenant, id),
        request,
        file,
        {
          shard: (_batch, digest, shard) => scheduleShardName(id, digest, shard),
          texts: (_batch, digest) => scheduleTextsName(id, digest),
        },
      );
      const { shards, total, maxInFlight, createdAt, hasTexts, outputExpiresAfter: expiry } = taken;
      const optional = {
        ...(hasTexts ? { hasTexts } : {}),
        ...(expiry === undefined ? {} : { outputExpiresAfter: expiry }),
      };
      const template = { tenant, fingerprint, input, inputFileId, completionWindow, ...optional };
      const memo = { ...template, shards, total, maxInFlight, cron, every, timezone, createdAt };
      await orchestrator.create(id, memo, paused);
    } catch (error) {
      // Lines of schedules do not expire, so those of a rejected schedule are deleted now.
      if (error instanceof FrameloomError && !error.retryable) await deleteLines(id);
      throw error;
    }
  }

  async function deleteLines(id: ScheduleId): Promise<void> {
    for await (const name of store.list(schedulePrefix(id))) await store.delete(name);
  }

  app.openapi(operations.createSchedule, async (c) => {
    const tenant = c.get('tenant');
    const request = { ...c.req.valid('json'), fail_fast: true as const };
    const { input_file_id: fileId } = request;
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const id = await scheduleIdFor(tenant, key);
    const file = fileId === undefined ? undefined : await findBatchFile(store, tenant, fileId);
    const known = key === undefined ? undefined : await orchestrator.describe(id);
    if (known === undefined) {
      await quotas.admit(c, 'uncounted');
      await startSchedule(tenant, id, request, file);
    }
    const record = await find(tenant, id);
    if (record.memo.fingerprint !== (await batchFingerprint(request, file))) {
      throw new FrameloomError('idempotency_conflict', 'This key was used with another schedule.');
    }
    c.header('Location', `/v1/batch-schedules/${id}`);
    return c.json(await scheduleView(store, record), 200);
  });

  app.openapi(operations.listSchedules, async (c) => {
    const found = await orchestrator.list({
      tenant: c.get('tenant'),
      limit: operations.MAX_LISTED_SCHEDULES,
    });
    return c.json(
      {
        object: 'list' as const,
        data: await Promise.all(found.map((record) => scheduleView(store, record))),
      },
      200,
    );
  });

  app.openapi(operations.getSchedule, async (c) =>
    c.json(await scheduleView(store, await find(c.get('tenant'), c.req.valid('param').id)), 200),
  );

  async function control(tenant: string, id: ScheduleId, verb: 'pause' | 'resume' | 'trigger') {
    await find(tenant, id);
    await orchestrator.control(id, verb);
    return await scheduleView(store, await find(tenant, id));
  }

  app.openapi(operations.pauseSchedule, async (c) =>
    c.json(await control(c.get('tenant'), c.req.valid('param').id, 'pause'), 200),
  );
  app.openapi(operations.resumeSchedule, async (c) =>
    c.json(await control(c.get('tenant'), c.req.valid('param').id, 'resume'), 200),
  );
  app.openapi(operations.triggerSchedule, async (c) => {
    await quotas.admit(c, 'uncounted');
    return c.json(await control(c.get('tenant'), c.req.valid('param').id, 'trigger'), 200);
  });

  app.openapi(operations.deleteSchedule, async (c) => {
    const { id } = await find(c.get('tenant'), c.req.valid('param').id);
    await orchestrator.delete(id);
    await deleteLines(id);
    return c.body(null, 204);
  });
}

async function scheduleView(
  store: BlobStore,
  { id, memo, paused, nextAt, recentFirings }: ScheduleRecord,
): Promise<BatchSchedule> {
  const { metadata } = await readBatchTexts(store, scheduleTextsName(id, memo.input), memo);
  return {
    id,
    object: 'batch_schedule',
    endpoint: '/v1/summaries',
    cron: memo.cron,
    every: memo.every,
    timezone: memo.timezone,
    status: paused ? 'paused' : 'active',
    input_file_id: memo.inputFileId,
    completion_window: memo.completionWindow,
    max_in_flight: memo.maxInFlight,
    metadata,
    lines: memo.total,
    created_at: memo.createdAt,
    next_at: nextAt === undefined ? null : Math.floor(nextAt / 1000),
    recent: await Promise.all(
      recentFirings.map(async ({ firing, at }) => ({
        fired_at: Math.floor(at / 1000),
        batch_id: await batchIdFor(memo.tenant, firingKey(firing)),
      })),
    ),
  };
}
