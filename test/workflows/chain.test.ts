/** Jobs that outgrow one history, and jobs that are cancelled, wherever they stand. */
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CpuActivities, GpuActivities } from '../../schema/activities.ts';
import type { SegmentOutcome } from '../../schema/shards.ts';
import { eventCount, fetchHistories, largestPayloadBytes } from '../support/histories.ts';
import { type Answers, answers, segmentOf } from './answers.ts';
import { longAnswers } from './long-job.ts';
import { openRig, type Rig, type Run } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
}, 120_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 30_000);

function numbers(count: number, first = 0): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

describe('a job of 10,000 segments', () => {
  it('goes through a chain of short histories with small payloads, and loses and repeats nothing', async () => {
    const activities = longAnswers(10_000);
    const { describeSegment } = activities.gpu;
    const calls = new Map<number, number>();
    activities.gpu.describeSegment = async (place) => {
      const index = segmentOf(place);
      calls.set(index, (calls.get(index) ?? 0) + 1);
      return describeSegment(place);
    };
    const run = await rig.runJob(activities, { priority: { priorityKey: 5, fairnessKey: 'test' } });
    expect(run.error).toBeUndefined();

    expect(run.events.map(({ id }) => id)).toEqual(numbers(run.events.length, 1));
    const percents = run.events.map(({ progress }) => progress.percent);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    const seen = run.events.flatMap((event) =>
      event.type === 'segment.completed' ? [event.segment.index] : [],
    );
    expect(seen.sort((a, b) => a - b)).toEqual(numbers(10_000));
    expect([calls.size, Math.max(...calls.values())]).toEqual([10_000, 1]);
    const described = run.kept.all('described') as readonly SegmentOutcome[]; // as the workflow wrote them
    expect(described.map(({ index }) => index)).toEqual(numbers(10_000));
    expect(run.kept.all('extractions')).toHaveLength(700);

    const [input] = activities.finished;
    expect(input).toMatchObject({ segments: 10_000, extractions: 11, levels: [250, 32, 4, 1] });
    expect(run.memo).toMatchObject({ fingerprint: 'f', progress: { percent: 100, stage: 'done' } });

    const histories = await fetchHistories(rig.client, run.handle.workflowId, input?.run ?? '');
    const lengths = histories.map(eventCount);
    const payloads = histories.map(largestPayloadBytes);
    console.log(
      `10,000 segments: ${histories.length} runs, longest history ${Math.max(...lengths)} events, ` +
        `largest payload ${Math.max(...payloads)} bytes, ${(lengths.reduce((a, b) => a + b) / 10_000).toFixed(1)} events per segment`,
    );
    expect(histories.length).toBeGreaterThan(5);
    expect(Math.max(...lengths)).toBeLessThan(10_000);
    expect(Math.min(...payloads)).toBeGreaterThan(0);
    expect(Math.max(...payloads)).toBeLessThan(65_536);
    for (const { events } of histories) {
      const started = events?.[0]?.workflowExecutionStartedEventAttributes;
      expect(started?.priority).toMatchObject({ priorityKey: 5, fairnessKey: 'test' });
      expect(started?.firstExecutionRunId).toBe(input?.run);
    }
    for (const history of [histories[0], histories[3], histories.at(-1)]) {
      if (!history) throw new Error('too few runs');
      await Worker.runReplayHistory({ workflowBundle: rig.bundle }, history, run.handle.workflowId);
    }
  }, 400_000);
});

describe('a job that is cancelled', () => {
  type Name = keyof CpuActivities | keyof GpuActivities | 'planMerges';

  /** Lets the activity `name` hang until it is cancelled, the first time that `when` holds. */
  function hanging(activities: Answers, name: Name, when: (input: never) => boolean = () => true) {
    const room = (name in activities.cpu ? activities.cpu : activities.gpu) as unknown as Record<
      string,
      (input: never) => Promise<unknown>
    >; // the one that has it
    const usual = room[name];
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const state = { stopped: false };
    room[name] = async (input) => {
      if (!when(input)) return usual?.(input);
      const context = Context.current();
      reach();
      const beat = setInterval(() => context.heartbeat(), 100);
      try {
        return await context.cancelled;
      } finally {
        clearInterval(beat);
        state.stopped = true;
      }
    };
    return { reached, state };
  }

  async function cancelAt(activities: Answers, { reached, state }: ReturnType<typeof hanging>): Promise<Run> {
    const run = await rig.runJob(activities, {
      during: async (handle) => {
        await reached;
        await handle.cancel();
      },
    });
    expect((await run.handle.describe()).status.name).toBe('CANCELLED');
    expect(state.stopped).toBe(true);
    expect(run.memo.outcome).toEqual({ status: 'cancelled' });
    expect(run.events.map(({ id }) => id)).toEqual(numbers(run.events.length, 1));
    const types = run.events.map(({ type }) => type);
    expect(types.at(-1)).toBe('job.cancelled');
    expect(types.filter((type) => type === 'job.cancelling')).toHaveLength(1);
    return run;
  }

  it.each<Name>([
    'ingest',
    'extractFrames',
    'plan',
    'preprocessFrames',
    'describeSegment',
    'planMerges',
    'reduce',
    'finish',
  ])('during %s waits for it to stop, then is cancelled, with its log whole', async (name) => {
    const activities = answers(60);
    await cancelAt(activities, hanging(activities, name));
  });

  it('in a later run of its chain is cancelled like any other', async () => {
    const activities = longAnswers(900);
    const at = 850;
    const run = await cancelAt(
      activities,
      hanging(activities, 'describeSegment', (input) => segmentOf(input) === at),
    );
    const { runId } = await run.handle.describe();
    const started = (await run.handle.fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes;
    expect(started?.firstExecutionRunId).not.toBe(runId);
  }, 120_000);
});
