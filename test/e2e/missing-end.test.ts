/** A video whose end is not read, in the whole system: the result states which part it does not cover. */
import { appendFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { H264, makeClip } from '../media/clips.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

let system: TestSystem;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-end-'));
  system = await startSystem();
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

it.each([
  {
    what: 'a truncated video',
    reason: 'media_truncated',
    seconds: 12,
    change: async (path: string) => truncate(path, Math.floor((await stat(path)).size * 0.6)),
  },
  {
    what: 'a video with another one appended',
    reason: 'unsupported_media',
    seconds: 24,
    change: async (path: string) => appendFile(path, await readFile(path)),
  },
])('$what ends with gaps: the end that is missing, its times and its share', async (missing) => {
  const args = [...H264, '-movflags', 'faststart'];
  const path = await makeClip(join(folder, `${missing.reason}.mp4`), { frames: 300, args });
  await missing.change(path);
  const { id } = await system.client.createSummary({
    source: { type: 'video', file_id: await system.upload(path) },
    sampling: { mode: 'adaptive', max_frames: 3 },
    detail: 'low',
  });
  const { job } = await follow(system, id);
  expect(job.status).toBe('completed_with_gaps');
  const { gaps = [], coverage = 1, source } = job.result ?? {};
  const { duration = 0 } = source ?? {};
  expect(duration).toBeLessThan(12.1);
  expect(gaps).toEqual([
    {
      start_time: duration,
      end_time: expect.closeTo(missing.seconds, 1),
      reason: missing.reason,
      attempts: 1,
    },
  ]);
  expect(coverage).toBeCloseTo(duration / missing.seconds, 1);
  expect(coverage).toBeLessThan(1);
});
