/** Whoever loses interest leaves nothing running and nothing on disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  type ProbedVideo,
  probeVideo,
  sampleVideo,
} from '../../media/index.ts';
import { H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const path = join(folder, 'long.mp4');
const SPAN = { start: 0, end: 1e6, first: 'keep' } as const;
const GRID = { origin: 0, interval: 0.1 };
const MODES = ['fps', 'adaptive', 'keyframe'] as const;
let tools: MediaTools;
let video: ProbedVideo;

beforeAll(async () => {
  tools = await findMediaTools({});
  // Of pictures none of which fits into a pipe.
  await makeClip(path, { frames: 500, width: 640, height: 360, args: [...H264] });
  video = await probeVideo(tools, path, LIMITS);
});

describe.skipIf(process.platform !== 'linux')('sampling ends its decoder (seen in /proc)', () => {
  it('when its signal is aborted, with the reason of the signal', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const sampling = (async () => {
      for await (const _frame of sampleVideo(tools, {
        path,
        video,
        span: SPAN,
        sampler: GRID,
        ...LIMITS,
        signal: abort.signal,
      })) {
        expect(await decoders()).toHaveLength(1);
        abort.abort(reason);
      }
    })();
    await expect(sampling).rejects.toBe(reason);
    expect(await decoders()).toEqual([]);
  });

  it('when its signal was aborted before the start', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    const sampling = sampleVideo(tools, { path, video, span: SPAN, sampler: GRID, ...LIMITS, signal }).next();
    await expect(sampling).rejects.toThrow('too late');
    expect(await decoders()).toEqual([]);
  });

  it('when the loop over its frames ends early', async () => {
    for await (const frame of sampleVideo(tools, { path, video, span: SPAN, sampler: GRID, ...LIMITS }))
      if (frame.time > 1) break;
    expect(await decoders()).toEqual([]);
  });

  it('when the loop over its frames throws', async () => {
    const sampling = (async () => {
      for await (const _frame of sampleVideo(tools, { path, video, span: SPAN, sampler: GRID, ...LIMITS }))
        throw new Error('no room');
    })();
    await expect(sampling).rejects.toThrow('no room');
    expect(await decoders()).toEqual([]);
  });

  // What it had written then fills every pipe and queue.
  it.each(MODES)('by %s, when it is aborted while no frame is read', async (mode) => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const sampling = sampleVideo(tools, {
      path,
      video,
      span: SPAN,
      sampler: samplerOf(mode),
      ...LIMITS,
      signal: abort.signal,
    });
    await sampling.next();
    await waitUntilIdle();
    abort.abort(reason);
    await expect(readAll(sampling)).rejects.toBe(reason);
    expect(await decoders()).toEqual([]);
  });

  it.each(MODES)('by %s, when the decoder is killed while no frame is read', async (mode) => {
    const sampling = sampleVideo(tools, { path, video, span: SPAN, sampler: samplerOf(mode), ...LIMITS });
    await sampling.next();
    await waitUntilIdle();
    for (const pid of await decoders()) process.kill(pid, 'SIGKILL');
    await expect(readAll(sampling)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await decoders()).toEqual([]);
  });

  it('when the span ends before the video', async () => {
    for await (const _frame of sampleVideo(tools, {
      path,
      video,
      span: { ...SPAN, end: 1 },
      sampler: GRID,
      ...LIMITS,
    }));
    expect(await decoders()).toEqual([]);
  });
});

describe('probing', () => {
  it('throws the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(probeVideo(tools, path, LIMITS, signal)).rejects.toThrow('never mind');
  });

  it('writes nothing next to the source', async () => {
    expect(await readdir(folder)).toEqual(['long.mp4']);
  });
});

function samplerOf(mode: (typeof MODES)[number]): Parameters<typeof sampleVideo>[1]['sampler'] {
  if (mode === 'fps') return GRID;
  return { mode, windows: { origin: 0, end: video.duration, seconds: video.duration } };
}

async function readAll(frames: AsyncIterable<unknown>): Promise<void> {
  for await (const _frame of frames);
}

/** The processes that have the clip on their command line. */
async function decoders(): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`file:${path}`)) found.push(Number(entry));
  }
  return found;
}

/** Waits until the decoder has used no processor time for a while: it is done, or waits for a reader. */
async function waitUntilIdle(): Promise<void> {
  let before = '';
  let same = 0;
  await vi.waitUntil(
    async () => {
      const times = await Promise.all((await decoders()).map(processorTime));
      same = times.join() === before ? same + 1 : 0;
      before = times.join();
      return same >= 5;
    },
    { timeout: 20_000, interval: 50 },
  );
}

async function processorTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .join(' '); // utime and stime: proc(5)
}
