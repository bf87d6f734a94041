/** Money through the whole system: what is estimated before, kept to during, and counted after. */
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

/** Per million tokens and second; large enough to be seen. */
const PRICES = { input: 10, output: 40, gpuSecond: 0.01 };
/** The bundled one. */
const model = modelPlan(ModelProfile.parse(profile), 'medium');
/** R8: how far an estimate may be from what comes of it. */
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
  requests.push(...(await decks()), ...(await pictures()), ...(await videos()));
}, 240_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function decks(): Promise<SummaryRequestInput[]> {
  const made: SummaryRequestInput[] = [];
  for (let index = 0; index < 10; index += 1) {
    const path = join(folder, `${index}.pdf`);
    await makeDeck(path, { seed: 300 + index, pages: 1 + (index % 5) });
    const source = { type: 'deck', file_id: await system.upload(path) } as const;
    made.push(
      index === 9 ? { source, pages: '2-4', prompt: 'What is shown, and in which order?' } : { source },
    );
  }
  return made;
}

async function pictures(): Promise<SummaryRequestInput[]> {
  const random = seededRandom(9);
  const made: SummaryRequestInput[] = [];
  for (let index = 0; index < 13; index += 1) {
    const ids: FileId[] = [];
    for (const [number, spec] of sampleSequence(random, 1 + (index % 4), 0.2).entries()) {
      const size = number % 2 === 0 ? { width: 640, height: 480 } : { width: 480, height: 640 };
      const path = join(folder, `${index}-${number}.jpg`);
      await writeFile(path, await draw(spec, random, size).canvas.encode('jpeg', 88));
      ids.push(await system.upload(path));
    }
    made.push({ source: { type: 'images', file_ids: ids } });
  }
  return made;
}

async function videos(): Promise<SummaryRequestInput[]> {
  const ways: Omit<SummaryRequestInput, 'source'>[] = [
    {},
    { sampling: { mode: 'fps', fps: 0.5 } },
    { sampling: { mode: 'count', max_frames: 3 } },
    { sampling: { mode: 'scene' } },
    { end_time: 3 },
    { start_time: 1.5 },
    { chunk_duration: 3 },
  ];
  const made: SummaryRequestInput[] = [];
  for (const [index, way] of ways.entries()) {
    const path = join(folder, `${index}.mp4`);
    await makeVideo(path, {
      ...{ seed: 50 + index, seconds: 4 + (index % 2), shots: 2 },
      ...{ width: 640, height: 360 },
    });
    made.push({ source: { type: 'video', file_id: await system.upload(path) }, ...way });
  }
  return made;
}

async function ended(id: string): Promise<Batch> {
  const states = { timeout: 200_000, interval: 500 };
  await expect.poll(async () => (await system.client.getBatch(id)).status, states).toBe('completed');
  return await system.client.getBatch(id);
}

describe('30 requests', () => {
  it('take as many tokens as was estimated before, within 15 %; what they cost adds up everywhere', async () => {
    const before = await Promise.all(requests.map((request) => system.client.estimate(request)));
    expect(before.map(({ error }) => error)).toEqual(new Array(30).fill(null));
    // Nothing has been run yet: nobody knows how fast this machine is.
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
      .map((line) => (JSON.parse(line) as { response: { body: Job } }).response.body); // the contract says so
    const errors = jobs.map((job, index) => {
      const figures = before[index]?.estimate;
      const actual = (job.ledger?.input_tokens ?? 0) + (job.ledger?.output_tokens ?? 0);
      const expected = (figures?.input_tokens.expected ?? 0) + (figures?.output_tokens.expected ?? 0);
      return { index, actual, expected, error: expected / actual - 1, figures, job };
    });
    const worst = Math.max(...errors.map(({ error }) => Math.abs(error)));
    const total = errors.reduce((sum, { actual, expected }) => sum + Math.abs(actual - expected), 0);
    const all = errors.reduce((sum, { actual }) => sum + actual, 0);
    console.info(
      `30 estimates: ${(100 * worst).toFixed(1)} % off at most, ${((100 * total) / all).toFixed(1)} % on average`,
    );
    for (const { index, error } of errors)
      expect([index, Math.abs(error) <= TOLERANCE]).toEqual([index, true]);
    for (const { figures, job } of errors) {
      expect(figures?.segments.expected).toBe(job.result?.segments.length);
      expect(figures?.frames.expected).toBe(job.result?.usage.frames);
    }

    for (const { ledger, usage, result, request } of jobs) {
      if (!ledger || !result) throw new Error('no ledger');
      // What max_cost sets aside for merging is enough.
      const most = maxMergeUsage(result.segments.length, result.usage.frames, model, jobOptions(request));
      expect(ledger.merging.input_tokens).toBeLessThanOrEqual(most.inputTokens);
      expect(ledger.merging.output_tokens).toBeLessThanOrEqual(most.outputTokens);
      const parts = [...ledger.segments, ledger.merging];
      const sum = (of: (part: (typeof parts)[number]) => number): number =>
        parts.reduce((found, part) => found + of(part), 0);
      expect(ledger.cost).toBeCloseTo(
        sum(({ cost }) => cost),
        9,
      );
      expect(ledger.input_tokens).toBe(sum((part) => part.input_tokens));
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
    const spent = jobs.reduce((sum, { ledger }) => sum + (ledger?.cost ?? 0), 0);
    expect(batch.usage?.cost).toBeCloseTo(spent, 6);
    expect(batch.usage?.total_tokens).toBe(all);
    const tenant = await system.client.getUsage();
    expect(tenant.jobs).toBe(30);
    expect(tenant.cost).toBeCloseTo(spent, 6);
    // Four and five seconds in turn; two ask for 3 and 3.5 of them.
    expect(tenant.video_seconds).toBeCloseTo(4 + 5 + 4 + 5 + 3 + 3.5 + 4, 1);
  });
});

describe('once jobs have run', () => {
  it('an estimate tells GPU seconds, and so does the command', async () => {
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

  it('of a source that cannot be read it tells why', async () => {
    const path = join(folder, 'none.mp4');
    await writeFile(path, 'not a video\n');
    const { error, estimate } = await system.client.estimate({
      source: { type: 'video', file_id: await system.upload(path) },
    });
    expect({ code: error?.code, estimate }).toEqual({ code: 'unsupported_media', estimate: null });
  });
});

describe('a job with max_cost', () => {
  it('ends with finish_reason budget, within the cap, with gaps for what is left; a retry goes on', async () => {
    const path = join(folder, 'long.pdf');
    await makeDeck(path, { seed: 77, pages: 16 });
    const source = { type: 'deck', file_id: await system.upload(path) } as const;
    const { estimate } = await system.client.estimate({ source });
    const cap = (estimate?.cost.expected ?? 0) * 0.7;
    const { id } = await system.client.createSummary({ source, max_cost: cap });
    const { job } = await follow(system, id);
    expect(job.status).toBe('completed_with_gaps');
    expect(job.result?.finish_reason).toBe('budget');
    expect(job.ledger?.cost).toBeLessThanOrEqual(cap);
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
    expect(second.ledger?.cost).toBeLessThanOrEqual(cap);
  });
});
