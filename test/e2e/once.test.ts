/** Submit twice, run once; ask differently, and only what the change touches is done. Counted where the work is done. */
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
  // ffmpeg that notes each call, so that what was decoded can be counted.
  const counted = join(folder, 'ffmpeg');
  const real = findTool('ffmpeg', process.env);
  await writeFile(counted, `#!/bin/sh\necho call >> '${join(folder, 'calls')}'\nexec '${real}' "$@"\n`);
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

/** Calls of ffmpeg so far. One a job is that of the probe, which looks whether the first picture can be decoded. */
async function decodings(): Promise<number> {
  return (await readFile(join(folder, 'calls'), 'utf8')).split('\n').length - 1;
}

async function run(change: Partial<SummaryRequestInput>): Promise<Job> {
  const { id } = await system.client.createSummary({ ...request, ...change });
  return (await follow(system, id)).job;
}

function visionCalls({ ledger }: Job): number | undefined {
  return ledger?.segments.reduce((sum, { vision_calls }) => sum + vision_calls, 0);
}

function made({ ledger }: Job): number | undefined {
  return ledger?.segments.filter(({ cached }) => !cached).length;
}

it('takes 100 equal requests at once under one key for one job, and runs it once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => system.client.createSummary(request, { idempotencyKey: 'talk' })),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  const { job, events } = await follow(system, answers[0]?.id ?? '');
  first = job;
  expect(job.status).toBe('completed');
  expect(await decodings()).toBeGreaterThan(1);
  expect(events.filter(({ type }) => type === 'job.started')).toHaveLength(1);
  expect((await system.client.listSummaries({ limit: 100 })).data.map(({ id }) => id)).toEqual([job.id]);
  // Every kept picture went through the vision graph once.
  expect(visionCalls(job)).toBe(job.result?.usage.frames);
  expect(made(job)).toBe(job.result?.segments.length);
});

it('knows the key after API and Temporal server were killed: same body, same job; another body, 409', async () => {
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

it('makes no caption for another summary prompt', async () => {
  const before = await decodings();
  const job = await run({ summary_prompt: 'Say it in one sentence.' });
  expect(job.status).toBe('completed');
  expect([visionCalls(job), made(job)]).toEqual([0, 0]);
  expect(await decodings()).toBe(before + 1);
});

it('takes no frame and runs no vision graph for another caption prompt, which is asked of the same features', async () => {
  const before = await decodings();
  const job = await run({ caption_prompt: 'Name the colours.' });
  expect(job.status).toBe('completed');
  expect(visionCalls(job)).toBe(0);
  expect(made(job)).toBe(first.result?.segments.length);
  expect(await decodings()).toBe(before + 1);
});
