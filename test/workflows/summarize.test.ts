/** The workflow on a real server, with activities that only answer: what it decides, not what they compute. */
import { Context } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CpuActivities } from '../../schema/activities.ts';
import type { JobMemo } from '../../schema/job.ts';
import type { SegmentOutcome } from '../../schema/shards.ts';
import type { PlanInput } from '../../schema/stages.ts';
import { largestPayloadBytes } from '../support/histories.ts';
import { answers, SHA, segmentOf } from './answers.ts';
import { openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
}, 120_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 30_000);

describe('a job whose slides could not all be drawn', () => {
  it('ends with a gap for each', async () => {
    const activities = answers(6);
    const { extractFrames } = activities.cpu;
    activities.cpu.extractFrames = async (input) => ({ ...(await extractFrames(input)), gaps: 1 });
    const { memo, events } = await rig.runJob(activities);
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(events.at(-1)).toMatchObject({ type: 'job.completed', gaps: 1 });
  });
});

describe('a job on a video with words and a deck', () => {
  it('plans with the words, and finishes with both', async () => {
    const gap = { start: 0, end: 20, reason: 'section_not_transcribed', attempts: 1 } as const;
    const transcript = { artifact: 'transcripts/x.json', from: 'speech', gaps: [gap] } as const;
    const activities = answers(8);
    const { ingest } = activities.cpu;
    const planned: PlanInput[] = [];
    const { plan } = activities.cpu;
    Object.assign(activities.cpu, {
      ingest: async (input) => ({
        ...(await ingest(input)),
        source: {
          type: 'video',
          sha256: SHA,
          bytes: 1,
          duration: 20,
          startOffset: 0,
          width: 64,
          height: 64,
          coding: { turn: 0, mirrored: false, range: 'sdr', interlaced: false },
          frameRate: { kind: 'constant', average: 25 },
          tracks: [],
          videoTrack: 0,
        },
        slides: [],
        deck: { sha256: SHA, pages: 2, pdf: 'sources/deck' },
      }),
      extractFrames: async () => ({ extraction: 'extractions/v.json', kept: 8, dropped: 0, gaps: 0 }),
      readTranscript: async () => ({ transcript }),
      plan: async (input) => {
        planned.push(input);
        return plan(input);
      },
    } satisfies Partial<CpuActivities>);
    const { memo } = await rig.runJob(activities, {
      request: { source: { type: 'video', url: 'https://example.com/a.mp4' } },
    });
    // A gap of the transcript is a gap of the job.
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(planned).toMatchObject([{ transcript, extractions: 1, maxFrames: 600 }]);
    expect(activities.finished).toMatchObject([
      { transcript, slideMatches: 'slide-matches/x.json', range: { start: 0, end: 20 } },
    ]);
  });
});

describe('a job', () => {
  it('describes every slide once, merges level by level, and finishes', async () => {
    const activities = answers(45);
    const { memo, error, kept } = await rig.runJob(activities);
    expect(error).toBeUndefined();
    expect(memo.outcome).toEqual({
      status: 'completed',
      result: { name: 'jobs/x/result.json', sha256: SHA },
      ledger: 'jobs/x/ledger.json',
    });
    const [input] = activities.finished;
    // 12 segments of at most 4 captions: 12 sections, merged by threes: 4, 2, 1.
    expect(input).toMatchObject({ segments: 12, levels: [12, 4, 2, 1] });
    const described = kept.all('described') as readonly SegmentOutcome[]; // as the workflow wrote them
    expect(described.map(({ index }) => index)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect([0, 1, 2, 3].map((level) => kept.all(`merged-${level}`).length)).toEqual([12, 4, 2, 1]);
    expect(kept.all('extractions')).toEqual([1, 21, 41].map((slide) => `extractions/${slide}.json`));
  });

  it('numbers its events without holes, and its percent never falls', async () => {
    const { events, memo } = await rig.runJob(answers(30));
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(0)?.type).toBe('job.started');
    expect(events.at(-1)?.type).toBe('job.completed');
    const percents = events.map(({ progress }) => progress.percent);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(memo.progress).toMatchObject({ percent: 100, stage: 'done' });
  });

  it('shows the last progress of a burst of events in the memo without another event', async () => {
    const activities = answers(32);
    const { describeSegment } = activities.gpu;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    activities.gpu.describeSegment = async (input) => {
      if (segmentOf(input) === 7) await released;
      return describeSegment(input);
    };
    const percents: number[] = [];
    const { events, memo } = await rig.runJob(activities, {
      during: async (running) => {
        await expect
          .poll(
            async () => {
              const { progress } = (await running.describe()).memo as unknown as JobMemo; // the memo the workflow writes
              percents.push(progress?.percent ?? 0);
              return progress?.segments.done;
            },
            { timeout: 20_000, interval: 100 },
          )
          .toBe(7);
        release();
      },
    });
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(events.filter(({ type }) => type === 'segment.completed')).toHaveLength(8);
    expect(memo.progress).toEqual(events.at(-1)?.progress);
  });

  it('has its outcome ready for whoever sees its last event', async () => {
    const { memoAtLastEvent } = await rig.runJob(answers(4));
    expect(memoAtLastEvent?.outcome?.status).toBe('completed');
    expect(memoAtLastEvent?.progress).toMatchObject({ percent: 100, stage: 'done' });
    const failing = answers(4);
    failing.cpu.ingest = async () => {
      throw ApplicationFailure.nonRetryable('Nothing there.', 'empty_source');
    };
    expect((await rig.runJob(failing)).memoAtLastEvent?.outcome?.error?.code).toBe('empty_source');
  });

  it('makes a segment that cannot be described a gap, and completes with gaps', async () => {
    const activities = answers(12);
    const { describeSegment } = activities.gpu;
    activities.gpu.describeSegment = async (input) => {
      if (segmentOf(input) === 1)
        throw ApplicationFailure.nonRetryable('too long', 'context_exceeded', { attempts: 1 });
      return describeSegment(input);
    };
    const { memo, events, kept } = await rig.runJob(activities);
    expect(memo.outcome?.status).toBe('completed_with_gaps');
    expect(kept.all('described')).toMatchObject([
      { index: 0, distinctCaptions: 4 },
      { index: 1, reason: 'context_exceeded', attempts: 1 },
      { index: 2, distinctCaptions: 4 },
    ]);
    expect(events.filter(({ type }) => type === 'segment.failed')).toHaveLength(1);
  });

  it('fails when no segment can be described', async () => {
    const activities = answers(8);
    activities.gpu.describeSegment = async () => {
      throw ApplicationFailure.nonRetryable('too long', 'context_exceeded');
    };
    const { memo, error } = await rig.runJob(activities);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(memo.outcome).toMatchObject({
      status: 'failed',
      error: { code: 'context_exceeded', retryable: false },
    });
  });

  it('fails with the code and message of the refusal, and spends no GPU time on it', async () => {
    const activities = answers(8);
    let described = false;
    activities.gpu.describeSegment = async () => {
      described = true;
      throw new Error('not reached');
    };
    activities.cpu.ingest = async () => {
      throw ApplicationFailure.nonRetryable('The PDF wants a password.', 'encrypted_media');
    };
    const { memo, events } = await rig.runJob(activities);
    expect(memo.outcome?.error).toMatchObject({
      code: 'encrypted_media',
      message: 'The PDF wants a password.',
    });
    expect(events.at(-1)).toMatchObject({ type: 'job.failed', error: { code: 'encrypted_media' } });
    expect(described).toBe(false);
  });

  it('tries again what may pass, and shows nothing of an unexpected failure', async () => {
    const activities = answers(4);
    const ingest = activities.cpu.ingest;
    let calls = 0;
    activities.cpu.ingest = async (input) => {
      calls += 1;
      if (calls === 1) throw ApplicationFailure.retryable('the disk is full', 'storage_full');
      return ingest(input);
    };
    activities.cpu.finish = async () => {
      throw ApplicationFailure.nonRetryable('ENOENT: /secret/path', 'Error');
    };
    const { memo } = await rig.runJob(activities);
    expect(calls).toBe(2);
    expect(memo.outcome?.error?.code).toBe('internal');
    expect(JSON.stringify(memo.outcome)).not.toContain('secret');
  });

  it('reaches a running generation when it is cancelled, and waits for it to stop', async () => {
    const activities = answers(8);
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    let stopped = false;
    activities.gpu.describeSegment = async () => {
      const context = Context.current();
      reach();
      const beat = setInterval(() => context.heartbeat(), 100);
      try {
        return await context.cancelled;
      } finally {
        clearInterval(beat);
        stopped = true;
      }
    };
    const { memo, events, handle } = await rig.runJob(activities, {
      during: async (running) => {
        await reached;
        await running.cancel();
      },
    });
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(stopped).toBe(true);
    expect(memo.outcome).toEqual({ status: 'cancelled' });
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['job.cancelling', 'job.cancelled']);
  });

  it('passes no payload over 64 KB, and its history replays', async () => {
    const { handle } = await rig.runJob(answers(400));
    const history = await handle.fetchHistory();
    expect(largestPayloadBytes(history)).toBeGreaterThan(0);
    expect(largestPayloadBytes(history)).toBeLessThan(65_536);
    expect(history.events?.length).toBeLessThan(10_000);
    await Worker.runReplayHistory({ workflowBundle: rig.bundle }, history, handle.workflowId);
  });
});
