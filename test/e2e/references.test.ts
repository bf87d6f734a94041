/** Temporal stores references only: no text, password or address of a request is in a history, a memo or a schedule. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Batch } from '../../schema/batch.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { makePptx } from '../corpus/pptx.ts';
import { lockedPdf } from '../media/locked-pdf.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

const run = promisify(execFile);
const VIDEO = fileURLToPath(new URL('../../samples/sample-video.mp4', import.meta.url));
/** A part of every text below, and of nothing else. */
const CANARY = 'canary-7f3a';

let system: TestSystem;
let folder: string;
let video: SummaryRequestInput;
let deck: SummaryRequestInput;
/** A presentation with a title, and a file that cannot be read. */
let titled: SummaryRequestInput;
let unreadable: SummaryRequestInput;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-references-'));
  system = await startSystem({ FRAMELOOM_ALLOW_PRIVATE_SOURCES: 'true' });
  const path = join(folder, 'locked.pdf');
  await writeFile(path, lockedPdf(`${CANARY}-password`, 'Hidden words'));
  const texts = {
    prompt: `${CANARY}-prompt`,
    caption_prompt: `${CANARY}-caption-prompt`,
    summary_prompt: `${CANARY}-summary-prompt`,
    metadata: { note: `${CANARY}-metadata` },
  };
  const named = join(folder, `${CANARY}-name.mkv`);
  const tags = [`title=${CANARY}-track-title`, `language=${CANARY}-language`];
  const tagged = tags.flatMap((tag) => ['-metadata:s:v', tag]);
  await run('ffmpeg', [
    '-v',
    'error',
    '-i',
    VIDEO,
    '-c',
    'copy',
    '-metadata',
    tags[0] ?? '',
    ...tagged,
    named,
  ]);
  video = {
    source: { type: 'video', file_id: await system.upload(named) },
    transcript: [{ start: 0, end: 2, text: `${CANARY}-transcript` }],
    sampling: { mode: 'count', max_frames: 2 },
    ...texts,
  };
  const source = { type: 'deck', file_id: await system.upload(path) } as const;
  const pptx = await makePptx(join(folder, `${CANARY}-name.pptx`), {
    title: `${CANARY} deck title`,
    slides: [{ title: 'Aims', body: ['grow', 'learn'] }],
  });
  titled = { source: { type: 'deck', file_id: await system.upload(pptx) }, ...texts };
  const noise = join(folder, `${CANARY}-noise.mp4`);
  await writeFile(noise, `${CANARY}-bytes `.repeat(100));
  unreadable = { source: { type: 'video', file_id: await system.upload(noise) }, ...texts };
  deck = { source: { ...source, password: `${CANARY}-password` }, ...texts };
}, 120_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The files of Temporal's database that contain `text`. All histories, memos and schedules are in it, uncompressed. */
function inTemporal(text: string): Promise<string> {
  return run('grep', ['-rlaF', text, system.home, '--include=*.db*']).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

it('keeps the texts of jobs, estimates, batches and schedules out of Temporal, and returns requests all the same', async () => {
  const { client, url } = system;
  const jobs = [await client.createSummary(video), await client.createSummary(deck)];
  const [talk] = jobs;
  for (const { id } of jobs) {
    const { job } = await follow(system, id);
    expect([job.status, job.error]).toEqual(['completed', null]);
  }
  const tracks = (await client.getSummary(talk?.id ?? '')).result?.source.tracks;
  expect(tracks?.[0]).toMatchObject({ title: `${CANARY}-track-title`, language: `${CANARY}-language` });
  // Without LibreOffice its slides have no images, which are gaps.
  const { id: presented } = await client.createSummary(titled);
  expect((await follow(system, presented)).job.error).toBeNull();
  const { id: failing } = await client.createSummary(unreadable);
  expect((await follow(system, failing)).job.status).toBe('failed');
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await post('/v1/estimates', video)).status).toBe(200);
  // Addresses with secrets that cannot be downloaded: the failures are recorded, without the addresses.
  const broken = {
    source: { type: 'video', url: `http://127.0.0.1:9/a.mp4?token=${CANARY}-token` },
  } as const;
  const absent = {
    source: { type: 'video', url: `${url}/v1/${CANARY}-name.mp4?token=${CANARY}-token` },
  } as const;
  const { transcript: _, ...withoutTranscript } = video; // schedules reject transcripts
  const line = (custom_id: string, body: object): object => ({
    custom_id,
    method: 'POST',
    url: '/v1/summaries',
    body,
  });
  const metadata = { note: `${CANARY}-batch-metadata` };
  const invalid = { ...video, [`${CANARY}-member`]: true };
  const batch = await post('/v1/batches', {
    endpoint: '/v1/summaries',
    requests: [line('a', video), line('b', deck), line('c', broken), line('d', absent), line('e', invalid)],
    metadata,
  });
  expect(batch.status).toBe(200);
  const { id } = (await batch.json()) as { id: string };
  const batchOf = async (): Promise<Batch> =>
    (await (await fetch(`${url}/v1/batches/${id}`)).json()) as Batch; // the contract says so
  const schedule = await post('/v1/batch-schedules', {
    endpoint: '/v1/summaries',
    cron: '0 3 * * *',
    requests: [line('a', withoutTranscript)],
    metadata,
  });
  expect(schedule.status).toBe(200);
  expect(await schedule.json()).toMatchObject({ metadata });
  const withTexts = jobs.map((job) => job.id);
  // Line c is retried until the batch is cancelled.
  const completed = async (): Promise<number> => (await batchOf()).request_counts.completed;
  await expect.poll(completed, { timeout: 120_000 }).toBe(2);
  await post(`/v1/batches/${id}/cancel`, {});
  await expect.poll(async () => (await batchOf()).status, { timeout: 60_000 }).toBe('cancelled');

  const { data } = await client.listSummaries();
  for (const job of data.filter((listed) => withTexts.includes(listed.id)))
    expect([job.request.prompt, job.metadata]).toEqual([video.prompt, video.metadata]);
  expect(data.filter((listed) => withTexts.includes(listed.id))).toHaveLength(2);
  // What is known to be in histories is found: the id of a job, the output of an activity and a recorded failure.
  for (const known of [withTexts[0] ?? '', 'mergePromptLength', 'source_missing', failing])
    expect(await inTemporal(known)).not.toBe('');
  expect(await inTemporal(CANARY)).toBe('');
  const { metadata: own, errors } = await batchOf();
  expect(own).toEqual(metadata);
  expect(errors?.data.map(({ message }) => message).join()).toContain(`${CANARY}-member`);
}, 300_000);
