/** What a request would cost, without running it. */
import { createRoute, z } from '@hono/zod-openapi';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError, jobError } from '../../core/errors.ts';
import { Estimate } from '../../schema/estimate.ts';
import { EstimateId, estimateIdOf, jobIdFor } from '../../schema/ids.ts';
import { SummaryRequest } from '../../schema/request.ts';
import type { EstimateRecord } from '../../temporal/estimate-orchestrator.ts';
import { type Api, type ApiDeps, integerParam, jsonLimit, problems } from '../app/index.ts';
import { replacePasswords, requireFiles, storeRequest } from '../files/index.ts';

const content = { 'application/json': { schema: Estimate } };

/** Seconds for which a request waits that says nothing. */
const WAIT = 30;
/** Time between two looks, in milliseconds. */
const LOOK_EVERY = 250;

const create = createRoute({
  method: 'post',
  path: '/v1/estimates',
  operationId: 'createEstimate',
  summary: 'Estimate what a job would cost',
  description:
    'The body is that of `POST /v1/summaries`. The source is fetched and its pictures are picked as the job would do it, which the job ' +
    'then finds done; the model is not asked. Of a video of more than two hours only parts are looked at.',
  tags: ['Usage'],
  middleware: [jsonLimit] as const,
  request: {
    query: z.object({
      wait: integerParam(
        0,
        60,
        `Answer when it is done, or after this many seconds; ${WAIT} if not given.`,
      ).optional(),
    }),
    body: { required: true, content: { 'application/json': { schema: SummaryRequest } } },
  },
  responses: {
    200: { description: 'The estimate, or why there is none.', content },
    202: { description: 'It is being made.', content },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'unsupported_content_type',
      'source_missing',
      'rate_limited',
      'unavailable',
    ),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/estimates/{id}',
  operationId: 'getEstimate',
  summary: 'One estimate',
  tags: ['Usage'],
  request: { params: z.object({ id: EstimateId.meta({ description: 'Id of the estimate.' }) }) },
  responses: {
    200: { description: 'The estimate.', content },
    ...problems('not_found', 'rate_limited', 'unavailable'),
  },
});

export function estimateRoutes(app: Api, deps: ApiDeps): void {
  const { store, clock, closing } = deps;
  const { estimates } = deps.orchestrator;

  app.openapi(create, async (c) => {
    const tenant = c.get('tenant');
    const referenced = await replacePasswords(store, tenant, c.req.valid('json'));
    const fingerprint = await digest(referenced.request);
    const owner = await jobIdFor(tenant, `estimate:${fingerprint}`);
    await requireFiles(store, tenant, referenced.request.source);
    await storeRequest(deps, tenant, owner, { ...referenced, fingerprint });
    const id = estimateIdOf(owner);
    const { priority } = referenced.request;
    const memo = { tenant, fingerprint, priority };
    let record = await estimates.start(id, { jobId: owner, tenant }, memo);
    const { wait = WAIT } = c.req.valid('query');
    const until = clock.now() + wait * 1000;
    const { signal } = c.req.raw;
    const stop = closing ? AbortSignal.any([signal, closing]) : signal;
    while (!isDone(record) && clock.now() < until && !stop.aborted) {
      await clock.sleep(Math.min(LOOK_EVERY, until - clock.now()), stop);
      record = (await estimates.describe(id)) ?? record;
    }
    c.header('Location', `/v1/estimates/${id}`);
    return isDone(record) ? c.json(estimateView(record), 200) : c.json(estimateView(record), 202);
  });

  app.openapi(get, async (c) => {
    const record = await estimates.describe(c.req.valid('param').id);
    if (record?.memo.tenant !== c.get('tenant'))
      throw new FrameloomError('not_found', 'There is no estimate with this id.');
    return c.json(estimateView(record), 200);
  });
}

function isDone({ state, memo }: EstimateRecord): boolean {
  return state === 'ended' || memo.estimate !== undefined || memo.error !== undefined;
}

function estimateView(record: EstimateRecord): Estimate {
  const { id, memo, createdAt } = record;
  const { estimate = null } = memo;
  const ended = isDone(record);
  const silent = ended && estimate === null ? jobError('timeout', 'The estimate took too long.') : null;
  return {
    id,
    object: 'estimate',
    status: !ended ? 'pending' : estimate ? 'completed' : 'failed',
    estimate,
    error: memo.error ?? silent,
    created_at: createdAt,
  };
}
