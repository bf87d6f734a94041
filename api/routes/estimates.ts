/** Estimates: what a summary will cost, without running it. */
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError, jobError } from '../../core/errors.ts';
import type { Estimate } from '../../schema/estimate.ts';
import { estimateIdOf, jobIdFor } from '../../schema/ids.ts';
import type { EstimateRecord } from '../../temporal/estimate-orchestrator.ts';
import type { Api, ApiDeps } from '../app/index.ts';
import { replacePasswords, requireFiles, storeRequest } from '../files/index.ts';
import * as operations from '../operations/index.ts';

const ESTIMATE_POLL_MS = 250;

export function estimateRoutes(app: Api, deps: ApiDeps): void {
  const { store, clock, closing } = deps;
  const { estimates } = deps.orchestrator;

  app.openapi(operations.createEstimate, async (c) => {
    const tenant = c.get('tenant');
    const referenced = await replacePasswords(store, tenant, c.req.valid('json'));
    const fingerprint = await digest(referenced.request);
    const owner = await jobIdFor(tenant, `estimate:${fingerprint}`);
    await requireFiles(store, tenant, referenced.request.source);
    await storeRequest(store, tenant, owner, { ...referenced, fingerprint });
    const id = estimateIdOf(owner);
    const { priority } = referenced.request;
    const memo = { tenant, fingerprint, priority };
    let record = await estimates.start(id, { jobId: owner, tenant }, memo);
    const { wait = operations.DEFAULT_ESTIMATE_WAIT_S } = c.req.valid('query');
    const until = clock.now() + wait * 1000;
    const { signal } = c.req.raw;
    const stop = closing ? AbortSignal.any([signal, closing]) : signal;
    while (!isDone(record) && clock.now() < until && !stop.aborted) {
      await clock.sleep(Math.min(ESTIMATE_POLL_MS, until - clock.now()), stop);
      record = (await estimates.describe(id)) ?? record;
    }
    c.header('Location', `/v1/estimates/${id}`);
    return isDone(record) ? c.json(estimateView(record), 200) : c.json(estimateView(record), 202);
  });

  app.openapi(operations.getEstimate, async (c) => {
    const record = await estimates.describe(c.req.valid('param').id);
    if (record?.memo.tenant !== c.get('tenant')) throw new FrameloomError('not_found', 'No such estimate.');
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
