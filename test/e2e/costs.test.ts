/** Costs in the whole system: estimated before a job, limited during it, and recorded after it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelPlan } from '../../activities/lib/model.ts';
import profile from '../../models/tiny-phi3v/frameloom.json' with { type: 'json' };
import type { Batch } from '../../schema/batch.ts';
import type { FileId } from '../../schema/ids.ts';
import type { Job } from '../../schema/job.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { jobOptions } from '../../schema/stored-request.ts';
import { maxMergeUsage } from '../../summary/merge-bound.ts';
import { runFrameloom } from '../cli/run-frameloom.ts';
import { makeDeck } from '../world/deck.ts';
import { draw } from '../world/draw.ts';
import { seededRandom } from '../world/random.ts';
import { sampleSequence } from '../world/spec.ts';
import { makeVideo } from '../world/video.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

/** Prices per million tokens and per GPU second. */
const PRICES = { input: 10, output: 40, gpuSecond: 0.01 };
/** The bundled model. */
const model = modelPlan(ModelProfile.parse(profile), 'medium');
/** R8: largest relative error of an estimate. */
const TOLERANCE = 0.15;

let system: TestSystem;
let folder: string;
const requests: SummaryRequestInput[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-costs-'));
  system = await startSystem({
    FRAMELOOM_PRICE_INPUT: String(PRICES.input),
    FRAMELOOM_PRICE_OUTPUT: String(PRICES.output),
    FRAMELOOM_PRICE_GPU_SECOND: String(PRICES.gpuSecond),
    FRAMELOOM_CURRENCY: 'EUR',
  });
  requests.push(...(await decks()), ...(await imageLists()), ...(await videos()));
}, 240_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function decks(): Promise<SummaryRequestInput[]> {
  const requestList: SummaryRequestInput[] = [];
  for (let index = 0; index < 10; index += 1) {
    const path = join(folder, `${index}.pdf`);
    await makeDeck(path, { seed: 300 + index, pages: 1 + (index % 5) });
    const source = { type: 'deck', file_id: await system.upload(path) } as const;
    requestList.push(
      index === 9 ? { source, pages: '2-4', prompt: 'What is shown, and in which order?' } : { source },
    );
  }
  return requestList;
}

async function imageLists(): Promise<SummaryRequestInput[]> {
  const random = seededRandom(9);
  const requestList: SummaryRequestInput[] = [];
  for (let index = 0; index < 13; index += 1) {
    const ids: FileId[] = [];
    for (const [number, spec] of sampleSequence(random, 1 + (index % 4), 0.2).entries()) {
      const size = number % 2 === 0 ? { width: 640, height: 480 } : { width: 480, height: 640 };
      const path = join(folder, `${index}-${number}.jpg`);
      await writeFile(path, await draw(spec, random, size).canvas.encode('jpeg', 88));
      ids.push(await system.upload(path));
    }
    requestList.push({ source: { type: 'images', file_ids: ids } });
  }
  return requestList;
}

async function videos(): Promise<SummaryRequestInput[]> {
  const variants: Omit<SummaryRequestInput, 'source'>[] = [
    {},
    { sampling: { mode: 'fps', fps: 0.5 } },
    { sampling: { mode: 'count', max_frames: 3 } },
    { sampling: { mode: 'scene' } },
    { end_time: 3 },
    { start_time: 1.5 },
    { chunk_duration: 3 },
  ];
  const requestList: SummaryRequestInput[] = [];
  for (const [index, variant] of variants.entries()) {
    const path = join(folder, `${index}.mp4`);
    await makeVideo(path, {
      ...{ seed: 50 + index, seconds: 4 + (index % 2), shots: 2 },
      ...{ width: 640, height: 360 },
    });
    requestList.push({ source: { type: 'video', file_id: await system.upload(path) }, ...variant });
  }
  return requestList;
}

async function ended(id: string): Promise<Batch> {
  const states = { timeout: 200_000, interval: 500 };
  await expect.poll(async () => (await system.client.getBatch(id)).status, states).toBe('completed');
  return await system.client.getBatch(id);
}

describe('30 requests', () => {
  it('use as many tokens as estimated, within 15 %; jobs, batch and tenant report the same cost', async () => {
    const before = await Promise.all(requests.map((request) => system.client.estimate(request)));
    expect(before.map(({ error }) => error)).toEqual(new Array(30).fill(null));
    // No job has run yet, so the speed of this machine is unknown.
    expect(before[0]?.estimate?.gpu_seconds).toBeNull();
    const { id } = await system.client.createBatch({
      endpoint: '/v1/summaries',
      requests: requests.map((body, index) => ({
        custom_id: `line-${index}`,
        method: 'POST',
        url: '/v1/summaries',
        body,
      })),
    });
    const batch = await ended(id);
    expect(batch.request_counts).toEqual({ total: 30, completed: 30, failed: 0 });
    const text = await new Response(await system.client.getBatchResults(id)).text();
    const jobs = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { response: { body: Job } }).response.body); // as documented
    const errors = jobs.map((job, index) => {
      const estimated = before[index]?.estimate;
      const actual = (job.ledger?.input_tokens ?? 0) + (job.ledger?.output_tokens ?? 0);
      const expected = (estimated?.input_tokens.expected ?? 0) + (estimated?.output_tokens.expected ?? 0);
      return { index, actual, expected, error: expected / actual - 1, estimated, job };
    });
    const worst = Math.max(...errors.map(({ error }) => Math.abs(error)));
    const total = errors.reduce((sum, { actual, expected }) => sum + Math.abs(actual - expected), 0);
    const all = errors.reduce((sum, { actual }) => sum + actual, 0);
    console.info(
      `30 estimates: largest error ${(100 * worst).toFixed(1)} %, ${((100 * total) / all).toFixed(1)} % on average`,
    );
    for (const { index, error } of errors)
      expect([index, Math.abs(error) <= TOLERANCE]).toEqual([index, true]);
    for (const { estimated, job } of errors) {
      expect(estimated?.segments.expected).toBe(job.result?.segments.length);
      expect(estimated?.frames.expected).toBe(job.result?.usage.frames);
    }

    for (const { ledger, usage, result, request } of jobs) {
      if (!ledger || !result) throw new Error('no ledger');
      // The reserve of max_cost for merging is large enough.
      const most = maxMergeUsage(result.segments.length, result.usage.frames, model, jobOptions(request));
      expect(ledger.merging.input_tokens).toBeLessThanOrEqual(most.inputTokens);
      expect(ledger.merging.output_tokens).toBeLessThanOrEqual(most.outputTokens);
      const entries = [...ledger.segments, ledger.merging];
      const sum = (select: (entry: (typeof entries)[number]) => number): number =>
        entries.reduce((subtotal, entry) => subtotal + select(entry), 0);
      expect(ledger.cost).toBeCloseTo(
        sum(({ cost }) => cost),
        9,
      );
      expect(ledger.input_tokens).toBe(sum((entry) => entry.input_tokens));
      expect(ledger.cost).toBeCloseTo(
        (ledger.input_tokens * PRICES.input + ledger.output_tokens * PRICES.output) / 1e6 +
          ledger.gpu_seconds * PRICES.gpuSecond,
        6,
      );
      expect(usage).toMatchObject({
        input_tokens: ledger.input_tokens,
        output_tokens: ledger.output_tokens,
        cost: ledger.cost,
        currency: 'EUR',
      });
    }
    const totalCost = jobs.reduce((sum, { ledger }) => sum + (ledger?.cost ?? 0), 0);
    expect(batch.usage?.cost).toBeCloseTo(totalCost, 6);
    expect(batch.usage?.total_tokens).toBe(all);
    const tenant = await system.client.getUsage();
    expect(tenant.jobs).toBe(30);
    expect(tenant.cost).toBeCloseTo(totalCost, 6);
    // The videos take 4 and 5 seconds in turn; two requests select 3 and 3.5 seconds.
    expect(tenant.video_seconds).toBeCloseTo(4 + 5 + 4 + 5 + 3 + 3.5 + 4, 1);
  });
});

describe('once jobs have run', () => {
  it('an estimate includes GPU seconds, in the API and in the command', async () => {
    const path = join(folder, 'later.pdf');
    await makeDeck(path, { seed: 999, pages: 3 });
    const source = { type: 'deck', file_id: await system.upload(path) } as const;
    const { estimate } = await system.client.estimate({ source });
    expect(estimate?.gpu_seconds?.expected).toBeGreaterThan(0);
    expect(estimate?.assumptions).toEqual([]);
    expect(estimate?.cost.low).toBeLessThan(estimate?.cost.expected ?? 0);
    const { code, stdout } = await runFrameloom(['estimate', path], { FRAMELOOM_URL: system.url });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^segments +1$/m);
    expect(stdout).toMatch(/^cost +[\d.]+ EUR \([\d.]+ to [\d.]+\)$/m);
  });

  it('an estimate of an unreadable source contains the error', async () => {
    const path = join(folder, 'none.mp4');
    await writeFile(path, 'not a video\n');
    const { error, estimate } = await system.client.estimate({
      source: { type: 'video', file_id: await system.upload(path) },
    });
    expect({ code: error?.code, estimate }).toEqual({ code: 'unsupported_media', estimate: null });
  });
});

describe('a job with max_cost', () => {
  it('ends with finish_reason budget within the cap, with gaps for the rest; a retry describes more', async () => {
    const path = join(folder, 'long.pdf');
    await makeDeck(path, { seed: 77, pages: 16 });
    const source = { type: 'deck', file_id: await system.upload(path) } as const;
    const { estimate } = await system.client.estimate({ source });
    const maxCost = (estimate?.cost.expected ?? 0) * 0.7;
    const { id } = await system.client.createSummary({ source, max_cost: maxCost });
    const { job } = await follow(system, id);
    expect(job.status).toBe('completed_with_gaps');
    expect(job.result?.finish_reason).toBe('budget');
    expect(job.ledger?.cost).toBeLessThanOrEqual(maxCost);
    expect(job.result?.gaps.length).toBeGreaterThan(0);
    expect(job.result?.gaps.every(({ reason, attempts }) => reason === 'budget' && attempts === 0)).toBe(
      true,
    );
    expect(job.result?.summary).not.toBe('');
    const described = job.result?.segments.length ?? 0;
    expect(job.result?.coverage).toBeCloseTo(described / 4, 6);
    await system.client.retrySummary(id);
    const { job: second } = await follow(system, id);
    expect(second.result?.segments.length).toBeGreaterThan(described);
    expect(second.ledger?.segments.slice(0, described).map(({ cost }) => cost)).toEqual(
      new Array(described).fill(0),
    );
    expect(second.ledger?.cost).toBeLessThanOrEqual(maxCost);
  });
});
