/** Equal requests run once, and a changed request repeats only the work that depends on the change. Decodings are counted. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTool } from '../../cli/find-tool.ts';
import type { Job } from '../../schema/job.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { makeVideo } from '../world/video.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

let system: TestSystem;
let folder: string;
let request: SummaryRequestInput;
let first: Job;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-once-'));
  // A wrapper of ffmpeg that records each call that decodes: the packet scan of a probe only copies.
  const counted = join(folder, 'ffmpeg');
  const real = findTool('ffmpeg', process.env);
  await writeFile(
    counted,
    `#!/bin/sh\ncase " $* " in *" copy "*) ;; *) echo "$*" >> '${join(folder, 'calls')}' ;; esac\nexec '${real}' "$@"\n`,
  );
  await chmod(counted, 0o755);
  system = await startSystem({ FFMPEG_PATH: counted });
  const video = join(folder, 'talk.mp4');
  await makeVideo(video, { seed: 31, seconds: 12, shots: 6 });
  request = {
    source: { type: 'video', file_id: await system.upload(video) },
    sampling: { mode: 'fps', fps: 1 },
  };
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Returns the number of calls of ffmpeg so far. Each job has one for the probe, which decodes the first frame. */
async function countDecodings(): Promise<number> {
  return (await readFile(join(folder, 'calls'), 'utf8')).split('\n').length - 1;
}

async function run(change: Partial<SummaryRequestInput>): Promise<Job> {
  const { id } = await system.client.createSummary({ ...request, ...change });
  return (await follow(system, id)).job;
}

function visionCalls({ ledger }: Job): number | undefined {
  return ledger?.segments.reduce((sum, { vision_calls }) => sum + vision_calls, 0);
}

function uncachedSegments({ ledger }: Job): number | undefined {
  return ledger?.segments.filter(({ cached }) => !cached).length;
}

it('100 equal concurrent requests with one key create one job, which runs once', async () => {
  const responses = await Promise.all(
    Array.from({ length: 100 }, () => system.client.createSummary(request, { idempotencyKey: 'talk' })),
  );
  expect(new Set(responses.map(({ id }) => id)).size).toBe(1);
  const { job, events } = await follow(system, responses[0]?.id ?? '');
  first = job;
  expect(job.status).toBe('completed');
  expect(await countDecodings()).toBeGreaterThan(1);
  expect(events.filter(({ type }) => type === 'job.started')).toHaveLength(1);
  expect((await system.client.listSummaries({ limit: 100 })).data.map(({ id }) => id)).toEqual([job.id]);
  // The vision graph ran once for every kept frame.
  expect(visionCalls(job)).toBe(job.result?.usage.frames);
  expect(uncachedSegments(job)).toBe(job.result?.segments.length);
});

it('the key survives kills of API and Temporal server: the same body returns the same job, another body 409', async () => {
  for (const victim of ['API', 'Temporal server'] as const) process.kill(await system.pid(victim), 'SIGKILL');
  const again = async (change: Partial<SummaryRequestInput> = {}): Promise<Job> =>
    system.client.createSummary({ ...request, ...change }, { idempotencyKey: 'talk' });
  await expect
    .poll(() => again().then(({ id, status }) => `${id} ${status}`, String), {
      timeout: 60_000,
      interval: 200,
    })
    .toBe(`${first.id} completed`);
  expect(await again()).toEqual(first);
  await expect(again({ detail: 'low' })).rejects.toMatchObject({
    problem: { status: 409, code: 'idempotency_conflict' },
  });
});

it('another summary prompt reuses every caption', async () => {
  const before = await countDecodings();
  const job = await run({ summary_prompt: 'Say it in one sentence.' });
  expect(job.status).toBe('completed');
  expect([visionCalls(job), uncachedSegments(job)]).toEqual([0, 0]);
  expect(await countDecodings()).toBe(before + 1);
});

it('another caption prompt reuses the frames and the image features', async () => {
  const before = await countDecodings();
  const job = await run({ caption_prompt: 'Name the colours.' });
  expect(job.status).toBe('completed');
  expect(visionCalls(job)).toBe(0);
  expect(uncachedSegments(job)).toBe(first.result?.segments.length);
  expect(await countDecodings()).toBe(before + 1);
});
