/** Summaries: start, read, list, cancel, retry and delete jobs. */
import type { Context } from 'hono';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { canBeRetried } from '../../core/gaps.ts';
import { jobIdFor } from '../../schema/ids.ts';
import { isFinalStatus, type Job } from '../../schema/job.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import { customIdKey } from '../../schema/search-attributes.ts';
import { isClosed, type JobRecord, statusOf } from '../../temporal/orchestrator.ts';
import { type Api, type ApiDeps, type ApiEnv, idempotencyKey, type QuotaGuard } from '../app/index.ts';
import {
  findRequest,
  replacePasswords,
  requireFiles,
  requireSameRequest,
  storeRequest,
} from '../files/index.ts';
import {
  findJob,
  fullJobView,
  jobView,
  removeJobOf,
  waitForJob,
  waitForRemoval,
  waitUntilClosed,
  withQueuePosition,
  withQueueProgress,
} from '../jobs/index.ts';
import * as operations from '../operations/index.ts';

/** The job of a `POST`, and whether one more call of the orchestrator keeps the request within two. */
interface Started {
  readonly record: JobRecord;
  readonly hasCallLeft: boolean;
}

/** Whether the same content, requested without a key, starts the job once more. */
function isRunAgain(record: JobRecord): boolean {
  return isClosed(record) && record.state !== 'completed';
}

/**
 * Registers the routes. One long function, because its handlers are short and share the start and the view of
 * a job.
 */
export function summaryRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { orchestrator, store } = deps;

  /**
   * A job of a list; none where its request is missing, because one damaged artifact must not make the list
   * unreadable.
   */
  async function listed(record: JobRecord): Promise<readonly Job[]> {
    const [stored, described] = await Promise.all([
      findRequest(store, record.id),
      // Lists do not say whether a job waits.
      isClosed(record) ? undefined : orchestrator.describe(record.id),
    ]);
    const waits = described?.run === record.run && described.isWaiting === true;
    if (stored) return [jobView(waits ? { ...record, isWaiting: true } : record, stored.request)];
    deps.log('warn', 'the request of a job is missing', { job_id: record.id });
    return [];
  }

  /** One job with its result, its ledger and its queue position. */
  async function view(record: JobRecord): Promise<Job> {
    const [job, progress] = await Promise.all([
      fullJobView(record, store),
      withQueueProgress(orchestrator, record),
    ]);
    return { ...job, progress };
  }

  /**
   * Starts the job of a request, or finds it. A new job costs one call of the orchestrator, and one more
   * if quotas are on; a repeated request costs one, and one more if the job failed and is run again.
   * Three are possible only where equal requests race, and for a request repeated after its job was deleted.
   */
  async function startJob(
    c: Context<ApiEnv>,
    body: SummaryRequest,
    key: string | undefined,
  ): Promise<Started> {
    const tenant = c.get('tenant');
    const referenced = await replacePasswords(store, tenant, body);
    const { source, priority } = referenced.request;
    const fingerprint = await digest(referenced.request);
    const jobId = await jobIdFor(tenant, key === undefined ? `content:${fingerprint}` : `key:${key}`);
    const stored = await findRequest(store, jobId);
    if (stored) requireSameRequest(stored, fingerprint);
    const known = stored && (await orchestrator.describe(jobId));
    // A repeated request finds its job even after its files were deleted.
    if (known && (key !== undefined || !isRunAgain(known))) return { record: known, hasCallLeft: true };
    if (!known) {
      await quotas.admit(c);
      await waitForRemoval(deps, jobId);
      await requireFiles(store, tenant, source);
    }
    await storeRequest(store, tenant, jobId, { ...referenced, fingerprint });
    const createdAt = new Date(deps.clock.now()).toISOString();
    const { custom_id: customId } = referenced.request;
    const labels = {
      type: source.type,
      ...(customId === undefined ? {} : { customIdKey: await customIdKey(tenant, customId) }),
    };
    const record = await orchestrator.start({
      jobId,
      memo: { tenant, fingerprint, priority, ...labels, createdAt },
      key: key === undefined ? 'content' : 'idempotency',
    });
    requireSameRequest(record.memo, fingerprint);
    return { record, hasCallLeft: !known && !quotas.limitsJobs && record.createdAt === createdAt };
  }

  app.openapi(operations.createSummary, async (c) => {
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const { record: started, hasCallLeft } = await startJob(c, c.req.valid('json'), key);
    c.header('Location', `/v1/summaries/${started.id}`);
    const { wait = 0 } = c.req.valid('query');
    if (wait > 0) {
      const job = await view(await waitForJob(deps, started, wait * 1000, c.req.raw.signal));
      return isFinalStatus(job.status) ? c.json(job, 200) : c.json(job, 202);
    }
    const job = await fullJobView(started, store);
    if (isFinalStatus(job.status)) return c.json(job, 200);
    const progress = hasCallLeft ? await withQueuePosition(orchestrator, started) : job.progress;
    return c.json({ ...job, progress }, 202);
  });

  app.openapi(operations.listSummaries, async (c) => {
    const tenant = c.get('tenant');
    const { limit = 20, cursor, status, type, custom_id: customId, ...created } = c.req.valid('query');
    const { created_after: after, created_before: before } = created;
    const page = await orchestrator.list({
      ...{ tenant, limit },
      ...(cursor === undefined ? {} : { cursor }),
      ...(status === undefined ? {} : { status }),
      ...(type === undefined ? {} : { type }),
      ...(customId === undefined ? {} : { customIdKey: await customIdKey(tenant, customId) }),
      ...(after === undefined ? {} : { createdAfter: operations.parseTime(after) }),
      ...(before === undefined ? {} : { createdBefore: operations.parseTime(before) }),
    });
    const data = await Promise.all(page.records.map(listed));
    return c.json({ object: 'list' as const, data: data.flat(), next_cursor: page.nextCursor ?? null }, 200);
  });

  app.openapi(operations.getSummary, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    return c.json(await view(record), 200);
  });

  app.openapi(operations.cancelSummary, async (c) => {
    const { id } = c.req.valid('param');
    const before = await findJob(orchestrator, c.get('tenant'), id);
    if (isFinalStatus(statusOf(before))) return c.json(await view(before), 200);
    await orchestrator.cancel(id);
    const after = await findJob(orchestrator, c.get('tenant'), id);
    return c.json(await view(after), 202);
  });

  app.openapi(operations.retrySummary, async (c) => {
    const before = await waitUntilClosed(
      deps,
      await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id),
    );
    if (!isClosed(before)) {
      if (before.memo.retryOf === undefined)
        throw new FrameloomError('job_running', 'Only a job that has ended can be run again.');
      return c.json(await view(before), 202);
    }
    if (statusOf(before) === 'completed')
      throw new FrameloomError('nothing_to_retry', 'The job has no gaps.');
    if (statusOf(before) === 'completed_with_gaps') {
      // A result that cannot be read is made again.
      const { result } = await fullJobView(before, store).catch(() => ({ result: null }));
      if (result && !result.gaps.some(canBeRetried)) {
        throw new FrameloomError(
          'nothing_to_retry',
          'The gaps of the job are in its source; a retry would give the same.',
        );
      }
    }
    await quotas.admit(c);
    return c.json(await view(await orchestrator.retry(before)), 202);
  });

  app.openapi(operations.deleteSummary, async (c) => {
    await removeJobOf(deps, c.get('tenant'), c.req.valid('param').id);
    return c.body(null, 204);
  });
}
