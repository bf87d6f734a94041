/**
 * How many calls of Temporal's server a `POST /v1/summaries` takes, counted on the wire of either adapter.
 */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../api/app/index.ts';
import { createApp } from '../../api/create-app.ts';
import { NO_QUOTAS, type Quotas } from '../../config/quotas.ts';
import type { Job } from '../../schema/job.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import type { Orchestrator } from '../../temporal/orchestrator.ts';
import { startTemporalRig, type TemporalRig } from './rig.ts';

let rig: TemporalRig;
let connection: Connection;
/** Calls since the last reset, by name. */
let calls: string[] = [];
let orchestrators: Readonly<Record<'gRPC' | 'HTTP', Orchestrator>>;

beforeAll(async () => {
  rig = await startTemporalRig();
  connection = await Connection.connect({ address: rig.server.address });
  const client = new Client({ connection });
  const service = client.workflowService as unknown as Record<string, (...request: never[]) => unknown>; // its methods
  for (const name in service) {
    const method = service[name];
    if (typeof method !== 'function' || !/^(start|describe|list|count|signal)/.test(name)) continue;
    service[name] = (...request) => {
      calls.push(name);
      return method.apply(service, request);
    };
  }
  orchestrators = {
    gRPC: createTemporalOrchestrator(client, rig.store),
    HTTP: createTemporalHttpOrchestrator(
      {
        url: rig.server.httpUrl,
        namespace: 'default',
        fetch: async (input, init) => {
          calls.push(`${init?.method} ${String(input)}`);
          return fetch(input, init);
        },
      },
      rig.store,
    ),
  };
}, 120_000);

afterAll(async () => {
  await connection?.close();
  await rig?.[Symbol.asyncDispose]();
}, 30_000);

let number = 0;

/** Posts `body` and returns the status, the job and the number of calls it took. */
function poster(orchestrator: Orchestrator, quotas: Quotas = NO_QUOTAS) {
  const app = createApp({
    orchestrator,
    store: rig.store,
    keys: [],
    quotas,
    maxUploadBytes: 1000,
    version: 'test',
    clock: systemClock,
    log: () => undefined,
  });
  return async (body: object, headers: Record<string, string> = {}) => {
    calls = [];
    const response = await app.request('/v1/summaries', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    const job = (await response.json()) as Job; // the contract says so
    return { status: response.status, job, calls: calls.length };
  };
}

function newRequest(): object {
  number += 1;
  return { source: { type: 'video', url: `https://example.com/${process.pid}-${number}.mp4` } };
}

describe.each(['gRPC', 'HTTP'] as const)('over %s', (adapter) => {
  it('a new job takes two calls, one of which is for its queue position', async () => {
    const post = poster(orchestrators[adapter]);
    const { status, job, calls: count } = await post(newRequest());
    expect([status, job.status, count]).toEqual([202, 'queued', 2]);
    expect(job.progress.queue_position).toBeGreaterThanOrEqual(0);
  });

  it('a repeated request takes at most two calls and returns the same job', async () => {
    const post = poster(orchestrators[adapter]);
    const request = newRequest();
    const key = { 'Idempotency-Key': `repeated ${adapter}` };
    const first = await post(request, key);
    // Another process, which remembers nothing.
    const again = await poster(orchestrators[adapter])(request, key);
    expect([again.status, again.job.id]).toEqual([202, first.job.id]);
    expect(again.calls).toBeLessThanOrEqual(2);
    expect(again.job.created_at).toBe(first.job.created_at);
  });

  it('another request under the same key is rejected without any call, after a restart as well', async () => {
    const key = { 'Idempotency-Key': `conflict ${adapter}` };
    await poster(orchestrators[adapter])(newRequest(), key);
    const { status, job, calls: count } = await poster(orchestrators[adapter])(newRequest(), key);
    expect([status, job, count]).toEqual([409, expect.objectContaining({ code: 'idempotency_conflict' }), 0]);
  });

  it.each([
    ['of jobs', { ...NO_QUOTAS, jobs: 1000 }],
    ['of video', { ...NO_QUOTAS, videoSeconds: 1000 }],
    ['of jobs and video', { ...NO_QUOTAS, jobs: 1000, videoSeconds: 1000 }],
  ])('a new job under quotas %s takes two calls', async (_what, quotas) => {
    const { status, calls: count } = await poster(orchestrators[adapter], quotas)(newRequest());
    expect([status, count]).toEqual([202, 2]);
  });

  it('a failed job that is run again takes two calls', async () => {
    const post = poster(orchestrators[adapter]);
    const request = newRequest();
    const { job } = await post(request);
    await rig.bench(orchestrators[adapter]).act(job.id, 'fail');
    const again = await post(request);
    expect([again.status, again.job.id, again.job.status, again.calls]).toEqual([202, job.id, 'queued', 2]);
  });
});
