import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JobId, jobIdFor } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { WORKFLOW_TASK_SECONDS } from '../../schema/task-queues.ts';
import { createTemporalOrchestrator } from '../../temporal/grpc/index.ts';
import type { TemporalHttpOptions } from '../../temporal/http/client.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import { isClosed, type Orchestrator } from '../../temporal/orchestrator.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { newMemo } from '../support/requests.ts';
import { describeBatches } from './batch-contract.ts';
import { describeOrchestrator } from './orchestrator-contract.ts';
import { startTemporalRig, type TemporalRig } from './rig.ts';

/** Of the shape of an id, and of no job. */
const NO_JOB = `sum_${'a'.repeat(26)}` as JobId;

describe('over HTTP', () => {
  let rig: TemporalRig;
  let orchestrator: Orchestrator;

  const open = (options: Partial<TemporalHttpOptions> = {}): Orchestrator =>
    createTemporalHttpOrchestrator({ url: rig.server.httpUrl, namespace: 'default', ...options }, rig.store);

  beforeAll(async () => {
    rig = await startTemporalRig();
    orchestrator = open();
  }, 120_000);

  afterAll(() => rig[Symbol.asyncDispose](), 30_000);

  describeOrchestrator('Temporal', () => rig.bench(orchestrator));
  describeBatches('Temporal', () => rig.batchBench(orchestrator));

  /** A job whose memo and request hold what a shorthand of payloads would change. */
  async function awkwardJob(): Promise<{ jobId: JobId; memo: JobMemo }> {
    const key = `awkward ${crypto.randomUUID()}`;
    const text = 'ünï \u{1F39E} "\\u0000" </script>';
    const payload = { _protoMessageType: 'x', metadata: '{"encoding":"anNvbi9wbGFpbg=="}', data: 'bnVsbA==' };
    const extra = { text, payload, list: [], deep: [[], { a: [] }] };
    const memo = { ...newMemo('default', key), extra };
    return { jobId: await jobIdFor('default', key), memo };
  }

  it('tells of a job what gRPC tells, whoever started it, to the last empty list', async () => {
    const grpc = createTemporalOrchestrator(rig.client, rig.store);
    for (const [starts, reads] of [
      [orchestrator, grpc],
      [grpc, orchestrator],
    ] as const) {
      const { jobId, memo } = await awkwardJob();
      const record = await starts.start({ jobId, memo, key: 'content' });
      expect(record.memo).toEqual(memo);
      expect(await reads.describe(jobId)).toEqual(record);
      const { events } = await rig.client.workflow.getHandle(jobId).fetchHistory();
      const started = events?.[0]?.workflowExecutionStartedEventAttributes;
      // A workflow task of a killed worker is dispatched again after this time; the server's default is 10 s.
      expect(Number(started?.workflowTaskTimeout?.seconds)).toBe(WORKFLOW_TASK_SECONDS);
      const [payload] = started?.input?.payloads ?? [];
      expect(JSON.parse(new TextDecoder().decode(payload?.data ?? undefined))).toEqual({
        jobId,
        tenant: 'default',
      });
      await reads.cancel(jobId);
      expect((await rig.until(starts, jobId, isClosed)).state).toBe('cancelled');
    }
  });

  it('reads on in a list that gRPC began, and the other way round', async () => {
    const grpc = createTemporalOrchestrator(rig.client, rig.store);
    const tenant = `pages-${Date.now()}`;
    for (let count = 0; count < 3; count += 1) {
      const { jobId, memo } = await awkwardJob();
      await orchestrator.start({ jobId, memo: { ...memo, tenant }, key: 'content' });
    }
    await expect
      .poll(async () => (await grpc.list({ tenant, limit: 9 })).records.length, { timeout: 20_000 })
      .toBe(3);
    const first = await grpc.list({ tenant, limit: 1 });
    const second = await orchestrator.list({ tenant, limit: 1, cursor: first.nextCursor ?? '' });
    const third = await grpc.list({ tenant, limit: 1, cursor: second.nextCursor ?? '' });
    const ids = [first, second, third].flatMap(({ records }) => records.map(({ id }) => id));
    expect(new Set(ids).size).toBe(3);
  });

  it('deletes ten jobs at once, though the server runs one batch operation at a time', async () => {
    const bench = rig.bench(orchestrator);
    const jobs = await Promise.all(Array.from({ length: 10 }, awkwardJob));
    for (const { jobId, memo } of jobs) await orchestrator.start({ jobId, memo, key: 'content' });
    for (const { jobId } of jobs) await bench.act(jobId, 'complete');
    const deletions = await Promise.allSettled(jobs.map(({ jobId }) => orchestrator.delete(jobId)));
    for (const [index, { jobId }] of jobs.entries()) {
      const isDone = deletions[index]?.status === 'fulfilled';
      // What was refused is there as before, and can be asked for again.
      if (!isDone) await orchestrator.delete(jobId);
      expect(await orchestrator.describe(jobId)).toBeUndefined();
    }
  });

  it('sends its key, and its namespace, to the path that the address names', async () => {
    const asked: { url: string; authorization: string | null }[] = [];
    const watched = open({
      url: `${rig.server.httpUrl}/`,
      apiKey: 'key-of-the-edge',
      fetch: async (input, init) => {
        asked.push({ url: String(input), authorization: new Headers(init?.headers).get('Authorization') });
        return fetch(input, init);
      },
    });
    expect(await watched.describe(NO_JOB)).toBeUndefined();
    expect(asked).toEqual([
      {
        url: `${rig.server.httpUrl}/api/v1/namespaces/default/workflows/${NO_JOB}?noPayloadShorthand&`,
        authorization: 'Bearer key-of-the-edge',
      },
    ]);
  });

  it('asks again where the server is busy or its answer is lost, and makes one run of it', async () => {
    await using proxy = await startFaultProxy(rig.server.httpUrl);
    const behind = open({ url: proxy.endpoint });
    const { jobId, memo } = await awkwardJob();
    let faults = 0;
    proxy.plan = () => {
      faults += 1;
      if (faults === 1) return { kind: 'status', status: 503 };
      return faults === 2 ? { kind: 'lost-response' } : undefined;
    };
    const { run } = await behind.start({ jobId, memo, key: 'content' });
    const runs = async () => (await rig.client.workflow.count(`WorkflowId='${jobId}'`)).count;
    await expect.poll(runs, { timeout: 20_000 }).toBe(1);
    expect((await orchestrator.describe(jobId))?.run).toBe(run);
  });

  it.each([
    ['hangs', { kind: 'hang' }],
    ['breaks off', { kind: 'reset' }],
    ['is a proxy that finds nothing behind it', { kind: 'status', status: 502 }],
    ['refuses the key', { kind: 'status', status: 401 }],
    ['is another one', { kind: 'status', status: 404 }],
  ] as const)('is unavailable and not ready when the server %s', async (_, fault) => {
    await using proxy = await startFaultProxy(rig.server.httpUrl);
    proxy.plan = () => fault;
    const cut = open({ url: proxy.endpoint, timeout: 1000 });
    await expect(cut.describe(NO_JOB)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await cut.ready()).toBe(false);
  });

  it('is not ready where the namespace is missing', async () => {
    expect(await open({ namespace: 'none' }).ready()).toBe(false);
  });
});
