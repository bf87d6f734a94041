/**
 * What stands behind the look at the first bytes: a hostile source costs bounded time, and its decoder reads
 * nothing else.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../media/exec/process.ts';
import {
  detectMediaKind,
  findMediaTools,
  type MediaTools,
  type ProbedVideo,
  probeVideo,
  sampleVideo,
} from '../../media/index.ts';
// The room's inner doors: from outside, nothing gets this far.
import { decodeFrames } from '../../media/video/decode.ts';
import { H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let tools: MediaTools;
let clip: string;
let video: ProbedVideo;

beforeAll(async () => {
  tools = await findMediaTools({});
  clip = await makeClip(join(folder, 'clip.mp4'), { frames: 30, args: [...H264] });
  video = await probeVideo(tools, clip, LIMITS);
});

describe('the decoder, even where a playlist was not detected by its first bytes', () => {
  it.each([
    ['HLS', () => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://${clip}\n#EXT-X-ENDLIST\n`],
    ['ffconcat', () => `ffconcat version 1.0\nfile '${clip}'\n`],
  ])('does not read %s, although it refers to a video', async (name, text) => {
    const path = join(folder, `${name}.mp4`);
    await writeFile(path, text());
    const options = { maxPixels: LIMITS.maxPixels, timeLimitMs: 10_000 };
    const frames = decodeFrames(
      tools,
      path,
      { video: { videoTrack: 0 }, size: { width: 16, height: 16 } },
      options,
    );
    await expect(frames.next()).rejects.toMatchObject({ code: 'unsupported_media' });
  });
});

describe.skipIf(process.platform === 'win32')(
  'a source that is not a regular file is rejected at once',
  () => {
    it('a pipe without a writer', async () => {
      const path = join(folder, 'silent-pipe');
      await promisify(execFile)('mkfifo', [path]);
      await expect(detectMediaKind(path)).rejects.toMatchObject({ code: 'unsupported_media' });
    });

    it('a device that never ends', async () => {
      await expect(probeVideo(tools, '/dev/zero', LIMITS)).rejects.toMatchObject({
        code: 'unsupported_media',
      });
    });
  },
);

describe.skipIf(process.platform === 'win32')('a decoder that does not end by itself', () => {
  /** Samples with a stand-in for ffmpeg that runs `script` instead. */
  async function sampled(script: string): Promise<unknown> {
    const ffmpeg = join(folder, 'stand-in');
    await writeFile(ffmpeg, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const span = { start: 0, end: 1, first: 'keep' } as const;
    const frames = sampleVideo(
      { ...tools, ffmpeg },
      { path: clip, video, span, sampler: { origin: 0, interval: 1 }, ...LIMITS },
    );
    return frames.next();
  }

  it('has a limit of processor time, and a video that exceeds it is not retried', async () => {
    const leaves = 'case "$*" in *"-timelimit "[1-9]*) exit 255;; *) exit 1;; esac';
    await expect(sampled(leaves)).rejects.toMatchObject({ code: 'media_too_large', retryable: false });
  });

  it('reports a retryable error when it is killed from outside', async () => {
    await expect(sampled('kill -9 $$')).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });

  it('reports a permanent error when it crashes on the video', async () => {
    await expect(sampled('kill -SEGV $$')).rejects.toMatchObject({
      code: 'unsupported_media',
      retryable: false,
    });
  });

  it('receives SIGTERM at its time limit and may print a reason', async () => {
    const script = 'trap "echo leaving >&2; exit 3" TERM; while :; do sleep 0.05; done';
    const ending = await runProgram('sh', ['-c', script], { timeLimitMs: 300, maxBytes: 100, keep: 'all' });
    expect(ending).toMatchObject({
      stopped: 'time_limit',
      code: 3,
      stderr: expect.stringContaining('leaving'),
    });
  });

  it.skipIf(process.platform !== 'linux')('is killed with all that it started (seen in /proc)', async () => {
    const pids = join(folder, 'pids');
    // The child ignores SIGTERM as well, and holds the pipes open.
    const script = `trap "" TERM; sleep 600 & echo $$ $! > '${pids}'; while :; do sleep 600; done`;
    const ending = await runProgram('sh', ['-c', script], { timeLimitMs: 300, maxBytes: 100, keep: 'all' });
    expect(ending).toMatchObject({ stopped: 'time_limit', code: null, signal: 'SIGKILL' });
    const [parent, child] = (await readFile(pids, 'utf8')).trim().split(' ');
    expect(await Promise.all([parent, child].map(isRunning))).toEqual([false, false]);
  });
});

/** Whether the process does anything still; one that is dead may wait for its parent to notice. */
async function isRunning(pid: string | undefined): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat !== undefined && !/\) [ZX] /.test(stat);
}
