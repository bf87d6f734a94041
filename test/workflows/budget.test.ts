/** `max_cost` on a real server, with activities that only answer: what is begun, what is left, what it comes to. */
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SegmentOutcome } from '../../schema/shards.ts';
import type { Prices } from '../../schema/usage-cost.ts';
import { type Answers, answers, segmentOf } from './answers.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
}, 120_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 30_000);

/** A thousandth per token of prompt, two per token of answer. */
const TOKENS: Prices = { currency: 'EUR', input: 1000, output: 2000, gpuSecond: 0 };
/** By those, a segment of 1,000 and 100 tokens. */
const SEGMENT = 1.2;

interface Course {
  readonly activities: Answers;
  /** Numbers of the segments that were begun. */
  readonly begun: number[];
  /** Most that were under way at once. */
  readonly most: { atOnce: number };
}

/** A deck of `segments` segments of four slides, priced, each of which costs `SEGMENT`. */
function priced(
  segments: number,
  prices: Prices,
  tokens: (index: number) => readonly [number, number] = () => [1000, 100],
): Course {
  const activities = answers(4 * segments);
  const { cpu, gpu } = activities;
  const { ingest, plan } = cpu;
  const { describeSegment, reduce } = gpu;
  const begun: number[] = [];
  const most = { atOnce: 0 };
  let underWay = 0;
  cpu.ingest = async (input) => ({ ...(await ingest(input)), prices });
  cpu.plan = async (input) => ({
    ...(await plan(input)),
    maxSegmentTokens: { inputTokens: 1000, outputTokens: 256 },
  });
  gpu.describeSegment = async (input) => {
    const index = segmentOf(input);
    begun.push(index);
    underWay += 1;
    most.atOnce = Math.max(most.atOnce, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    const [inputTokens, outputTokens] = tokens(index);
    return { ...(await describeSegment(input)), gpuSeconds: 0.5, inputTokens, outputTokens };
  };
  const call = { gpuSeconds: 0.1, inputTokens: 100, outputTokens: 10 };
  gpu.reduce = async (input) => {
    const { title, jobTitle, ...made } = await reduce(input);
    return {
      ...made,
      ...call,
      ...(jobTitle ? { jobTitle: { ...jobTitle, ...call } } : {}),
      ...(title ? { title: { ...title, ...call } } : {}),
    };
  };
  return { activities, begun, most };
}

describe('a job with max_cost', () => {
  it('begins no segment that could take it beyond, merges what it has, and leaves gaps for the rest', async () => {
    const { activities, begun } = priced(40, TOKENS);
    const { memo, events, kept, handle } = await rig.runJob(activities, { request: { max_cost: 50 } });
    await Worker.runReplayHistory({ workflowBundle: rig.bundle }, await handle.fetchHistory());
    const outcomes = kept.all('described') as readonly SegmentOutcome[];
    const gaps = outcomes.filter((outcome) => 'reason' in outcome);
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(outcomes).toHaveLength(40);
    expect(gaps).toEqual(
      Array.from({ length: 40 - begun.length }, (_, at) => ({
        index: begun.length + at,
        reason: 'budget',
        attempts: 0,
      })),
    );
    // 40 segments alone would come to 48, and each brings two calls of merging with it.
    expect(begun.length).toBeLessThan(40);
    expect(begun.length).toBeGreaterThan(10);
    expect([...begun].sort((a, b) => a - b)).toEqual(begun.map((_, index) => index));
    const { cost = 0 } = memo.usage ?? {};
    expect(cost).toBeGreaterThan(begun.length * SEGMENT);
    expect(cost).toBeLessThanOrEqual(50);
    expect(events.filter(({ type }) => type === 'segment.failed')).toHaveLength(gaps.length);
    expect(events.at(-1)).toMatchObject({ type: 'job.completed', gaps: gaps.length });
  }, 60_000);

  it('uses what segments leave over of what was set aside for them', async () => {
    const dear = priced(30, TOKENS);
    await rig.runJob(dear.activities, { request: { max_cost: 20 } });
    const cheap = priced(30, TOKENS, () => [300, 10]);
    const { memo } = await rig.runJob(cheap.activities, { request: { max_cost: 20 } });
    expect(cheap.begun.length).toBeGreaterThan(dear.begun.length);
    expect(memo.usage?.cost).toBeLessThanOrEqual(20);
  }, 60_000);

  it('goes beyond it by no more than a segment where segments take longer than any before', async () => {
    const seconds: Prices = { currency: 'EUR', input: 0, output: 0, gpuSecond: 2 };
    const { activities, begun, most } = priced(30, seconds);
    const { describeSegment } = activities.gpu;
    activities.gpu.describeSegment = async (input) => ({
      ...(await describeSegment(input)),
      // The first one is found, and so tells nothing of the others.
      ...(segmentOf(input) === 0
        ? { cached: true, gpuSeconds: 0 }
        : { gpuSeconds: 0.5 + 0.01 * segmentOf(input) }),
    });
    const { memo, handle } = await rig.runJob(activities, { request: { max_cost: 40 } });
    await Worker.runReplayHistory({ workflowBundle: rig.bundle }, await handle.fetchHistory());
    // Nothing is known of the first one before it has ended.
    expect(begun.slice(0, 2)).toEqual([0, 1]);
    expect(most.atOnce).toBeGreaterThan(1);
    expect(begun.length).toBeLessThan(30);
    expect(memo.usage?.cost).toBeLessThanOrEqual(40 + 2 * 0.8);
    expect(memo.outcome?.status).toBe('completed_with_gaps');
  }, 60_000);

  it('does everything where it is enough', async () => {
    const { activities, begun } = priced(6, TOKENS);
    const { memo } = await rig.runJob(activities, { request: { max_cost: 1000 } });
    expect(begun).toHaveLength(6);
    expect(memo.outcome?.status).toBe('completed');
    // Six segments, six sections with titles, two levels of merges (2 + 1), the title: 16 calls of 100 and 10 tokens.
    expect(memo.usage).toEqual({
      inputTokens: 6 * 1000 + 16 * 100,
      outputTokens: 6 * 100 + 16 * 10,
      gpuSeconds: 4.6,
      cost: 9.12,
      currency: 'EUR',
      videoSeconds: 0,
    });
  }, 60_000);

  it('fails where not even one segment fits, and where the server has no prices', async () => {
    const { activities, begun } = priced(3, TOKENS);
    const poor = await rig.runJob(activities, { request: { max_cost: 0.5 } });
    expect(poor.memo.outcome).toMatchObject({ status: 'failed', error: { code: 'budget' } });
    expect(begun).toEqual([]);
    const unpriced = await rig.runJob(answers(4), { request: { max_cost: 5 } });
    expect(unpriced.memo.outcome).toMatchObject({ status: 'failed', error: { code: 'prices_missing' } });
  }, 60_000);
});

describe('what a job has cost', () => {
  it('is known of one that fails, counts a segment once, and nothing that was found', async () => {
    const { activities } = priced(3, TOKENS);
    const { describeSegment } = activities.gpu;
    Object.assign(activities.gpu, {
      async describeSegment(input: Parameters<typeof describeSegment>[0]) {
        const { attempt } = Context.current().info;
        // The first segment is of another job; the second was made by an attempt that died before it could say so.
        if (segmentOf(input) === 0) return { ...(await describeSegment(input)), cached: true, attempts: 1 };
        if (segmentOf(input) === 1 && attempt === 1) throw new Error('the worker is lost');
        const cached = segmentOf(input) === 1;
        return { ...(await describeSegment(input)), cached, attempts: attempt };
      },
    });
    activities.cpu.finish = async () => {
      throw Object.assign(new Error('nothing can be written'), { name: 'artifact_corrupt' });
    };
    activities.cpu.planMerges = async () => {
      const { ApplicationFailure } = await import('@temporalio/common');
      throw ApplicationFailure.nonRetryable('no', 'artifact_corrupt');
    };
    const { memo } = await rig.runJob(activities);
    expect(memo.outcome?.status).toBe('failed');
    expect(memo.usage).toMatchObject({ inputTokens: 2000, outputTokens: 200, cost: 2.4 });
  }, 60_000);
});
