/** Jobs in the whole system: repeated requests, cancellation, bad input, long decks. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PDFDocument } from 'pdf-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { FileId } from '../../schema/ids.ts';
import { makeDeck } from '../world/deck.ts';
import { makeVideo } from '../world/video.ts';
import { follow, peakMemory, startSystem, type TestSystem } from './system.ts';

const ffmpeg = (...args: readonly string[]): Promise<unknown> =>
  promisify(execFile)(process.env.FFMPEG_PATH ?? 'ffmpeg', ['-v', 'error', '-y', ...args]);

let system: TestSystem;
let folder: string;
let short: FileId;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-jobs-'));
  system = await startSystem({ FRAMELOOM_CPU_SLOTS: '2' });
  await makeDeck(join(folder, 'short.pdf'), { seed: 7, pages: 3 });
  short = await system.upload(join(folder, 'short.pdf'));
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the same request', () => {
  it('sent 20 times concurrently with one key creates one job', async () => {
    const request = { source: { type: 'deck', file_id: short } } as const;
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => system.client.createSummary(request, { idempotencyKey: 'once' })),
    );
    const ids = new Set(responses.map((response) => response.id));
    expect(ids.size).toBe(1);
    const [id = ''] = ids;
    const { events } = await follow(system, id);
    expect(events.filter(({ type }) => type === 'job.started')).toHaveLength(1);
    const listed = await system.client.listSummaries();
    expect(listed.data.filter((job) => job.id === id)).toHaveLength(1);
  });

  it('is rejected with 409 when the same key has another body', async () => {
    await expect(
      system.client.createSummary(
        { source: { type: 'deck', file_id: short }, detail: 'low' },
        { idempotencyKey: 'once' },
      ),
    ).rejects.toMatchObject({ problem: { status: 409, code: 'idempotency_conflict' } });
  });

  it('with another summary prompt reuses every caption', async () => {
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: short },
      summary_prompt: 'Say it briefly.',
    });
    const { job } = await follow(system, id);
    expect(job.ledger?.segments.map(({ cached }) => cached)).toEqual([true]);
  });
});

describe('a cancelled job', () => {
  it('stops its generation, reports its end, and describes no more segments', async () => {
    await makeDeck(join(folder, 'long.pdf'), { seed: 8, pages: 60 });
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: await system.upload(join(folder, 'long.pdf')) },
    });
    let requestedAt = 0;
    let endedAt = 0;
    const { job, events } = await follow(system, id, async ({ type }) => {
      if (type === 'segment.completed' && requestedAt === 0) {
        requestedAt = performance.now();
        await system.client.cancelSummary(id);
      }
      if (type === 'job.cancelled') endedAt = performance.now();
    });
    console.info(`cancelled ${((endedAt - requestedAt) / 1000).toFixed(2)} s after the request`);
    expect(job.status).toBe('cancelled');
    expect(events.at(-1)?.type).toBe('job.cancelled');
    const described = events.filter(({ type }) => type === 'segment.completed').length;
    expect(described).toBeLessThan(15);
  });
});

describe('bad input', () => {
  async function file(name: string, make: (path: string) => Promise<unknown>): Promise<string> {
    const path = join(folder, name);
    await make(path);
    return path;
  }
  const withoutFrames = async (path: string): Promise<void> => {
    const whole = join(folder, 'whole.mp4');
    await makeVideo(whole, { seed: 3, seconds: 6, shots: 2 });
    const bytes = await readFile(whole);
    await writeFile(path, bytes.fill(0, bytes.indexOf('mdat') + 4)); // none of its frames is left
  };
  const audio = (path: string): Promise<unknown> =>
    ffmpeg('-f', 'lavfi', '-i', 'sine=duration=2', '-c:a', 'aac', path);

  it.each([
    [
      'a text file called a video',
      'video',
      'x.mp4',
      (path: string) => writeFile(path, 'not a video\n'),
      'unsupported_media',
    ],
    ['audio only', 'video', 'audio.mp4', audio, 'no_video_stream'],
    ['a video without a frame', 'video', 'cut.mp4', withoutFrames, 'media_truncated'],
    [
      'a PDF called a video',
      'video',
      'deck.mp4',
      (path: string) => makeDeck(path, { seed: 1, pages: 1 }),
      'unsupported_media',
    ],
    [
      'a PDF without pages',
      'deck',
      'none.pdf',
      async (path: string) => writeFile(path, await emptyPdf()),
      'no_pages',
    ],
    [
      'a damaged PDF',
      'deck',
      'bad.pdf',
      (path: string) => writeFile(path, '%PDF-1.7\nnothing more'),
      'media_truncated',
    ],
  ] as const)(
    '%s fails with its error code, and leaves no scratch files',
    async (_, type, name, make, code) => {
      const path = await file(name, make);
      const { id } = await system.client.createSummary({
        source: { type, file_id: await system.upload(path) },
      });
      const { job, events } = await follow(system, id);
      expect(job.status).toBe('failed');
      expect(job.error).toMatchObject({ code, retryable: false });
      expect(job.error?.message).not.toContain('/');
      expect(events.map((event: JobEvent) => event.type)).not.toContain('plan.ready');
      // Each worker has its own folder there, which is empty.
      const left = await readdir(join(system.home, 'scratch'), { recursive: true });
      expect(left.filter((entry) => entry.includes('/'))).toEqual([]);
    },
  );

  it('an empty file is rejected at its upload', async () => {
    const path = await file('empty.mp4', (empty) => writeFile(empty, ''));
    await expect(system.upload(path)).rejects.toMatchObject({
      problem: { status: 422, code: 'empty_source' },
    });
  });

  it('a file that was never uploaded is rejected before a job is created', async () => {
    const id = `file_${'a'.repeat(26)}` as FileId; // valid, but unknown
    await expect(
      system.client.createSummary({ source: { type: 'deck', file_id: id } }),
    ).rejects.toMatchObject({
      problem: { status: 422, code: 'source_missing' },
    });
  });

  it('a URL of this machine is rejected', async () => {
    const { id } = await system.client.createSummary({
      source: { type: 'video', url: 'http://127.0.0.1:9/x.mp4' },
    });
    const { job } = await follow(system, id);
    expect(job.error).toMatchObject({ code: 'source_forbidden' });
  });

  it('pages that do not exist are rejected', async () => {
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: short },
      pages: '2-9',
    });
    const { job } = await follow(system, id);
    expect(job.error).toMatchObject({ code: 'range_outside_source' });
  });

  it('leaves no job queued or processing', async () => {
    const { data } = await system.client.listSummaries({ limit: 100 });
    expect(data.filter(({ status }) => status === 'processing' || status === 'queued')).toEqual([]);
  });

  it('responds to unknown ids with an error', async () => {
    await expect(system.client.getSummary(`sum_${'a'.repeat(26)}`)).rejects.toBeInstanceOf(ApiError);
  });
});

describe('a deck of 200 pages', () => {
  it('has every page in its result, and needs no more memory than a short one', async () => {
    const worker = await system.pid('CPU worker');
    const run = async (pages: number) => {
      const path = join(folder, `${pages}.pdf`);
      await makeDeck(path, { seed: pages, pages });
      const { id } = await system.client.createSummary({
        source: { type: 'deck', file_id: await system.upload(path) },
      });
      const { job } = await follow(system, id);
      return { job, memory: await peakMemory(worker) };
    };
    // 40 pages are two spans, which use both slots of the worker, as the ten spans of the long deck do.
    const small = await run(40);
    const large = await run(200);
    console.info(
      `CPU worker: ${mebibytes(small.memory)} after 40 pages, ${mebibytes(large.memory)} after 200`,
    );
    expect(large.job.status).toBe('completed');
    const described = large.job.result?.segments.flatMap(({ slides }) => slides ?? []);
    expect(described).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(large.job.result?.slides?.map(({ slide }) => slide)).toEqual(described);
    expect(large.memory).toBeLessThan(small.memory * 1.2);
  });
});

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

async function emptyPdf(): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const bytes = await document.save({ addDefaultPage: false });
  return bytes;
}
