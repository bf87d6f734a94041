/** Jobs: start, look at, list, cancel, run again, delete. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { JobId, jobIdFor } from '../../schema/ids.ts';
import { isFinal, Job, JobList } from '../../schema/job.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { jobPrefix, requestName } from '../../store/names.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import {
  type Api,
  type ApiDeps,
  type ApiEnv,
  idempotencyHeader,
  idempotencyKey,
  integerParam,
  jsonLimit,
  problems,
  type QuotaGuard,
} from '../app/index.ts';
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
  settled,
  statusOf,
  waitForJob,
  withPlace,
  withQueuePosition,
} from '../jobs/index.ts';

export const JobParams = z.object({ id: JobId.meta({ description: 'Id of the job.' }) });

const content = { 'application/json': { schema: Job } };

const create = createRoute({
  method: 'post',
  path: '/v1/summaries',
  operationId: 'createSummary',
  summary: 'Start a job',
  description:
    'Equal requests are one job: equal by `Idempotency-Key` where one is given, else by content. A repeated request returns the ' +
    'job as it stands. Without a key, a job that failed or was cancelled is run again. Servers with job quotas leave out ' +
    '`progress.queue_position` here; `GET /v1/summaries/{id}` and the events include it.',
  tags: ['Summaries'],
  middleware: [jsonLimit] as const,
  request: {
    headers: idempotencyHeader('talk-17'),
    query: z.object({
      wait: integerParam(0, 60, 'Answer when the job is done, or after this many seconds.').optional(),
    }),
    body: {
      required: true,
      content: {
        'application/json': {
          schema: SummaryRequest,
          examples: {
            video: { value: { source: { type: 'video', url: 'https://example.com/talk.mp4' } } },
            deck: {
              value: {
                source: { type: 'deck', file_id: 'file_aaaaaaaaaaaaaaaaaaaaaaaaaa' },
                prompt: 'What was decided?',
                pages: '1-20',
              },
            },
          },
        },
      },
    },
  },
  responses: {
    200: { description: 'The job, which is final.', content },
    202: { description: 'The job, which is queued or under way.', content },
    ...problems(
      'invalid_request',
      'idempotency_conflict',
      'payload_too_large',
      'unsupported_content_type',
      'source_missing',
      'rate_limited',
      'quota_exceeded',
      'unavailable',
    ),
  },
});

const list = createRoute({
  method: 'get',
  path: '/v1/summaries',
  operationId: 'listSummaries',
  summary: 'List jobs',
  description: 'Newest first, without results. The list may lag behind by a moment.',
  tags: ['Summaries'],
  request: {
    query: z.object({
      limit: integerParam(1, 100, 'Most jobs of a page; 20 if not given.').optional(),
      cursor: z.string().max(4096).optional().meta({ description: '`next_cursor` of the page before.' }),
    }),
  },
  responses: {
    200: { description: 'A page of jobs.', content: { 'application/json': { schema: JobList } } },
    ...problems('invalid_request', 'unavailable'),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}',
  operationId: 'getSummary',
  summary: 'One job, with its result',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    200: { description: 'The job.', content },
    ...problems('not_found', 'unavailable', 'storage_unavailable'),
  },
});

const cancel = createRoute({
  method: 'post',
  path: '/v1/summaries/{id}/cancel',
  operationId: 'cancelSummary',
  summary: 'Cancel a job',
  description: 'Reaches the model within a token. A final job stays as it is.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    200: { description: 'The job, which was final already.', content },
    202: { description: 'The job, which is being cancelled.', content },
    ...problems('not_found', 'unavailable'),
  },
});

const retry = createRoute({
  method: 'post',
  path: '/v1/summaries/{id}/retry',
  operationId: 'retrySummary',
  summary: 'Run again what is missing',
  description:
    'For a job with gaps, or one that failed or was cancelled. It runs once more under its id; what is there already is found and ' +
    'not made again, so that only gaps cost anything. Its events begin anew, and its result stands until there is another. ' +
    'Asking again while the retry runs changes nothing.',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    202: { description: 'The job, which runs again.', content },
    ...problems(
      'not_found',
      'job_running',
      'nothing_to_retry',
      'quota_exceeded',
      'unavailable',
      'storage_unavailable',
    ),
  },
});

const remove = createRoute({
  method: 'delete',
  path: '/v1/summaries/{id}',
  operationId: 'deleteSummary',
  summary: 'Delete a job and all it made',
  tags: ['Summaries'],
  request: { params: JobParams },
  responses: {
    204: { description: 'It is gone.' },
    ...problems('not_found', 'job_running', 'unavailable', 'storage_unavailable'),
  },
});

/** The job of a `POST`, and whether one more call of the orchestrator keeps the request within two. */
interface Started {
  readonly record: JobRecord;
  readonly hasCallLeft: boolean;
}

/** Whether the same content, requested without a key, starts the job once more. */
function isRunAgain(record: JobRecord): boolean {
  return isClosed(record) && record.state !== 'completed';
}

export function summaryRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { orchestrator, store } = deps;

  /** A job of a list; none where its request is missing, because one damaged artifact must not make the list unreadable. */
  async function listed(record: JobRecord): Promise<readonly Job[]> {
    const stored = await findRequest(store, record.id);
    if (stored) return [jobView(record, stored.request)];
    deps.log('warn', 'the request of a job is missing', { job_id: record.id });
    return [];
  }

  /** One job with its result, its ledger and its queue position. */
  async function view(record: JobRecord): Promise<Job> {
    const [job, progress] = await Promise.all([fullJobView(record, store), withPlace(orchestrator, record)]);
    return { ...job, progress };
  }

  /**
   * Starts the job of a request, or finds it. A new job costs one call of the orchestrator, and one more where quotas are on; a
   * repeated request costs one, and one more where the job failed and is run again. Three are possible only where equal requests
   * race, and for a request repeated after its job was deleted.
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
      await requireFiles(store, tenant, source);
    }
    await storeRequest(deps, tenant, jobId, { ...referenced, fingerprint });
    const createdAt = new Date(deps.clock.now()).toISOString();
    const record = await orchestrator.start({
      jobId,
      memo: { tenant, fingerprint, priority, createdAt },
      key: key === undefined ? 'content' : 'idempotency',
    });
    requireSameRequest(record.memo, fingerprint);
    return { record, hasCallLeft: !known && !quotas.limitsJobs && record.createdAt === createdAt };
  }

  app.openapi(create, async (c) => {
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const { record: started, hasCallLeft } = await startJob(c, c.req.valid('json'), key);
    c.header('Location', `/v1/summaries/${started.id}`);
    const { wait = 0 } = c.req.valid('query');
    if (wait > 0) {
      const job = await view(await waitForJob(deps, started, wait * 1000, c.req.raw.signal));
      return isFinal(job.status) ? c.json(job, 200) : c.json(job, 202);
    }
    const job = await fullJobView(started, store);
    if (isFinal(job.status)) return c.json(job, 200);
    const progress = hasCallLeft ? await withQueuePosition(orchestrator, started) : job.progress;
    return c.json({ ...job, progress }, 202);
  });

  app.openapi(list, async (c) => {
    const { limit = 20, cursor } = c.req.valid('query');
    const page = await orchestrator.list({
      tenant: c.get('tenant'),
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const data = await Promise.all(page.records.map(listed));
    return c.json({ object: 'list' as const, data: data.flat(), next_cursor: page.nextCursor ?? null }, 200);
  });

  app.openapi(get, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    return c.json(await view(record), 200);
  });

  app.openapi(cancel, async (c) => {
    const { id } = c.req.valid('param');
    const before = await findJob(orchestrator, c.get('tenant'), id);
    if (isFinal(statusOf(before))) return c.json(await view(before), 200);
    await orchestrator.cancel(id);
    const after = await findJob(orchestrator, c.get('tenant'), id);
    return c.json(await view(after), 202);
  });

  app.openapi(retry, async (c) => {
    const before = await settled(deps, await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id));
    if (!isClosed(before)) {
      if (before.memo.retryOf === undefined)
        throw new FrameloomError('job_running', 'Only a job that has ended can be run again.');
      return c.json(await view(before), 202);
    }
    if (statusOf(before) === 'completed')
      throw new FrameloomError('nothing_to_retry', 'The job has no gaps.');
    await quotas.admit(c);
    return c.json(await view(await orchestrator.retry(before)), 202);
  });

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    const record = await settled(deps, await findJob(orchestrator, c.get('tenant'), id));
    if (!isClosed(record)) {
      throw new FrameloomError('job_running', 'Only a job that has ended can be deleted.');
    }
    // The record goes last: when something fails before, the same request finishes the work.
    const names: string[] = [];
    for await (const name of store.list(jobPrefix(id))) names.push(name);
    for (const name of names) await store.delete(name);
    await store.delete(requestName(id));
    await orchestrator.delete(id);
    return c.body(null, 204);
  });
}
