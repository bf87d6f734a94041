/** Whoever loses interest leaves nothing running and nothing on disk. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
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
let tools: MediaTools;
let video: ProbedVideo;

beforeAll(async () => {
  tools = await findMediaTools({});
  await makeClip(path, { frames: 1500, args: [...H264] });
  video = await probeVideo(tools, path, LIMITS);
});

describe.skipIf(process.platform !== 'linux')('sampling ends its decoder (seen in /proc)', () => {
  it('when its signal is aborted, with the reason', async () => {
    const abort = new AbortController();
    const reason = new Error('cancelled');
    const sampling = (async () => {
      for await (const _frame of sampleVideo(tools, path, video, SPAN, GRID, {
        ...LIMITS,
        signal: abort.signal,
      })) {
        expect(await decoders()).toBe(1);
        abort.abort(reason);
      }
    })();
    await expect(sampling).rejects.toBe(reason);
    expect(await decoders()).toBe(0);
  });

  it('when its signal was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    const sampling = sampleVideo(tools, path, video, SPAN, GRID, { ...LIMITS, signal }).next();
    await expect(sampling).rejects.toThrow('too late');
    expect(await decoders()).toBe(0);
  });

  it('when the loop over its frames is left', async () => {
    for await (const frame of sampleVideo(tools, path, video, SPAN, GRID, LIMITS)) if (frame.time > 1) break;
    expect(await decoders()).toBe(0);
  });

  it('when the loop over its frames throws', async () => {
    const sampling = (async () => {
      for await (const _frame of sampleVideo(tools, path, video, SPAN, GRID, LIMITS))
        throw new Error('no room');
    })();
    await expect(sampling).rejects.toThrow('no room');
    expect(await decoders()).toBe(0);
  });

  it('when the span ends before the video', async () => {
    for await (const _frame of sampleVideo(tools, path, video, { ...SPAN, end: 1 }, GRID, LIMITS));
    expect(await decoders()).toBe(0);
  });
});

describe('probing', () => {
  it('ends with the reason of its signal', async () => {
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(probeVideo(tools, path, LIMITS, signal)).rejects.toThrow('never mind');
  });

  it('writes nothing beside the source', async () => {
    expect(await readdir(folder)).toEqual(['long.mp4']);
  });
});

/** How many processes have the clip on their command line. */
async function decoders(): Promise<number> {
  let found = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`file:${path}`)) found++;
  }
  return found;
}
