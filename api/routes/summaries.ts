/** Jobs: start, look at, list, cancel, run again, delete. */
import { createRoute, z } from '@hono/zod-openapi';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { JobId, jobIdFor } from '../../schema/ids.ts';
import { isFinal, Job, JobList } from '../../schema/job.ts';
import { SummaryRequest } from '../../schema/request.ts';
import { jobPrefix } from '../../store/names.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
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
import { referPasswords, requireFiles, sealRequest } from '../files/index.ts';
import { findJob, fullJobView, jobView, settled, statusOf, waitForJob, withPlace } from '../jobs/index.ts';

export const JobParams = z.object({ id: JobId.meta({ description: 'Id of the job.' }) });

const content = { 'application/json': { schema: Job } };

const create = createRoute({
  method: 'post',
  path: '/v1/summaries',
  operationId: 'createSummary',
  summary: 'Start a job',
  description:
    'Equal requests are one job: equal by `Idempotency-Key` where one is given, else by content. A repeated request is ' +
    'answered with the job as it stands. Without a key, a job that failed or was cancelled is run again.',
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

export function summaryRoutes(app: Api, deps: ApiDeps, quotas: QuotaGuard): void {
  const { orchestrator, store } = deps;

  /** One job with all there is to say of it. */
  async function view(record: JobRecord): Promise<Job> {
    const [job, progress] = await Promise.all([fullJobView(record, store), withPlace(orchestrator, record)]);
    return { ...job, progress };
  }

  app.openapi(create, async (c) => {
    const tenant = c.get('tenant');
    const referenced = await referPasswords(store, tenant, c.req.valid('json'));
    const { request } = referenced;
    const key = idempotencyKey(c.req.valid('header')['idempotency-key']);
    const fingerprint = await digest(request);
    const jobId = await jobIdFor(tenant, key === undefined ? `content:${fingerprint}` : `key:${key}`);
    // A repeated request is answered even after its files were deleted.
    const known = await orchestrator.describe(jobId);
    if (!known) {
      await quotas.admit(c);
      await requireFiles(store, tenant, request.source);
    }
    // What stands for a job that is there already is in the store; another request under its key leaves nothing there.
    const sealed = known ? known.memo.request : await sealRequest(deps, tenant, jobId, referenced);
    const started = await orchestrator.start({
      jobId,
      memo: { tenant, request: sealed, fingerprint },
      key: key === undefined ? 'content' : 'idempotency',
    });
    if (started.memo.fingerprint !== fingerprint) {
      throw new FrameloomError('idempotency_conflict', 'This key was used with another request.');
    }
    const { wait = 0 } = c.req.valid('query');
    const record = await waitForJob(deps, started, wait * 1000, c.req.raw.signal);
    c.header('Location', `/v1/summaries/${jobId}`);
    const job = await view(record);
    return isFinal(job.status) ? c.json(job, 200) : c.json(job, 202);
  });

  app.openapi(list, async (c) => {
    const { limit = 20, cursor } = c.req.valid('query');
    const page = await orchestrator.list({
      tenant: c.get('tenant'),
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const data = page.records.map(jobView);
    return c.json({ object: 'list' as const, data, next_cursor: page.nextCursor ?? null }, 200);
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
    await orchestrator.delete(id);
    return c.body(null, 204);
  });
}
