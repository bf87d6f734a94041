/** Delete means gone: nothing of a deleted job or file is in the store, the logs or the database of Temporal. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { runFrameloom } from '../cli/run-frameloom.ts';
import { makeVideo } from '../world/video.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

/** A part of every text that the tests send, and of nothing else. */
const PLANTED = 'zq7planted4w';

let system: TestSystem;
let folder: string;
let video: string;
let bytes: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-deletion-'));
  system = await startSystem({ FRAMELOOM_LOG_LEVEL: 'debug' });
  video = join(folder, `${PLANTED}-talk.mp4`);
  await makeVideo(video, { seed: 77, seconds: 8, shots: 4 });
  bytes = await readFile(video);
}, 120_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const request = (file: string, prompt: string): SummaryRequestInput => ({
  source: { type: 'video', file_id: file as never },
  sampling: { mode: 'fps', fps: 1 },
  transcript: [{ start: 0, end: 4, text: `${PLANTED} was said` }],
  prompt: `${PLANTED} ${prompt}`,
  custom_id: `${PLANTED}-custom`,
  metadata: { note: `${PLANTED}-note` },
});

async function run(file: string, prompt: string): Promise<string> {
  const { id } = await system.client.createSummary(request(file, prompt));
  const { job } = await follow(system, id);
  expect([job.status, job.error]).toEqual(['completed', null]);
  return id;
}

const status = async (path: string, method = 'GET'): Promise<number> =>
  (await fetch(system.url + path, { method })).status;

/** The files below the home of the system whose path or content has one of the `needles`. */
async function filesWith(
  needles: readonly (string | Buffer)[],
  isSearched: (path: string) => boolean = () => true,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(system.home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(system.home, path);
    if (!isSearched(name)) continue;
    const content = entry.isFile() ? await readFile(path).catch(() => Buffer.alloc(0)) : Buffer.alloc(0);
    if (needles.some((needle) => name.includes(String(needle)) || content.includes(needle))) found.push(name);
  }
  return found;
}

/** Parts of the source, as bytes, base64 and JSON would have them. */
function partsOfSource(): readonly (string | Buffer)[] {
  return [0.3, 0.6, 0.9].flatMap((share) => {
    const at = 3 * Math.floor((bytes.length * share) / 3);
    const part = bytes.subarray(at, at + 63);
    return [part, part.toString('base64'), part.toString('hex'), [...part].join(',')];
  });
}

const sha256 = (): string => createHash('sha256').update(bytes).digest('hex');
const isInStore = (path: string): boolean => path.startsWith('artifacts');

it('a job and its file leave nothing but the id in audit records, also while it is needed by nobody else', async () => {
  const file = await system.upload(video);
  const id = await run(file, 'alone');
  // What will be searched for is there before.
  expect((await filesWith(partsOfSource())).length).toBeGreaterThan(0);
  expect((await filesWith([PLANTED])).length).toBeGreaterThan(0);
  expect((await filesWith([sha256()], isInStore)).length).toBeGreaterThan(0);

  expect(await status(`/v1/summaries/${id}`, 'DELETE')).toBe(204);
  expect(await status(`/v1/summaries/${id}`)).toBe(404);
  expect(await status(`/v1/summaries/${id}/events`)).toBe(404);
  expect(await status(`/v1/files/${file}`)).toBe(200);
  expect(await status(`/v1/files/${file}`, 'DELETE')).toBe(200);

  expect(await filesWith([PLANTED, ...partsOfSource()])).toEqual([]);
  expect(await filesWith([sha256()], isInStore)).toEqual([]);
  const classes = (await filesWith([id], isInStore)).map((path) => path.split('/')[1]);
  expect([...new Set(classes)].sort()).toEqual(['deletions', 'usage-records']);
  // Nothing that a job makes is left under any name.
  const left = await readdir(join(system.home, 'artifacts'));
  expect(left.filter((name) => !name.startsWith('.')).sort()).toEqual([
    'deletions',
    'files', // the list of all files that ever were: their ids and times
    'usage-records',
    'usage-samples',
  ]);
}, 240_000);

it('a job keeps what it shares with a deleted one: it can be read, and run again without new work', async () => {
  const file = await system.upload(video);
  const [first, second] = [await run(file, 'first'), await run(file, 'second')];
  const before = await system.client.getSummary(second);
  expect(await status(`/v1/summaries/${first}`, 'DELETE')).toBe(204);
  expect(await status(`/v1/files/${file}`, 'DELETE')).toBe(200);
  expect(await system.client.getSummary(second)).toEqual(before);
  expect(await status(`/v1/summaries/${second}/frames/0.jpg`)).toBe(200);
  expect((await filesWith([`${PLANTED} first`])).length).toBe(0);
  expect(await status(`/v1/summaries/${second}`, 'DELETE')).toBe(204);
  expect(await filesWith([PLANTED, ...partsOfSource()])).toEqual([]);
}, 240_000);

it('a job that runs is stopped and removed', async () => {
  const file = await system.upload(video);
  const { id } = await system.client.createSummary(request(file, 'running'));
  for await (const event of system.client.streamEvents(id)) if (event.type === 'plan.ready') break;
  expect(await status(`/v1/summaries/${id}`, 'DELETE')).toBe(204);
  expect(await status(`/v1/summaries/${id}`)).toBe(404);
  expect(await status(`/v1/files/${file}`, 'DELETE')).toBe(200);
  const left = (): Promise<readonly string[]> => filesWith([PLANTED, ...partsOfSource()]);
  await expect.poll(left, { timeout: 10_000 }).toEqual([]);
  // The same content again is a new job.
  const again = await system.upload(video);
  expect(await status(`/v1/summaries/${await run(again, 'running')}`, 'DELETE')).toBe(204);
  expect(await status(`/v1/files/${again}`, 'DELETE')).toBe(200);
}, 240_000);

it('a job of a batch is removed from its lines and outcomes as well', async () => {
  const file = await system.upload(video);
  const lines = ['left', 'kept'].map((word) => ({
    custom_id: `${PLANTED}-${word}`,
    method: 'POST',
    url: '/v1/summaries',
    body: { ...request(file, word), custom_id: `${PLANTED}-${word}` },
  }));
  const headers = { 'Content-Type': 'application/json' };
  const body = JSON.stringify({ endpoint: '/v1/summaries', requests: lines });
  const made = await fetch(`${system.url}/v1/batches`, { method: 'POST', headers, body });
  const { id } = (await made.json()) as { id: string };
  const batch = async () =>
    (await (await fetch(`${system.url}/v1/batches/${id}`)).json()) as {
      status: string;
      output_file_id: string;
    };
  await expect.poll(async () => (await batch()).status, { timeout: 120_000 }).toBe('completed');
  const results = async () =>
    (await (await fetch(`${system.url}/v1/batches/${id}/results`)).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { custom_id: string; response: { body: { id: string } } | null });
  const [left, kept] = (await results()).map(({ response }) => response?.body.id ?? '');
  const output = (await batch()).output_file_id;
  expect(await status(`/v1/files/${output}`, 'DELETE')).toBe(200);
  expect(await status(`/v1/summaries/${left}`, 'DELETE')).toBe(204);
  expect(await filesWith([`${PLANTED} left`, `${PLANTED}-left`])).toEqual([]);
  expect((await results()).map(({ response }) => response?.body.id ?? null)).toEqual([null, kept]);
  expect(await status(`/v1/summaries/${kept}`, 'DELETE')).toBe(204);
  expect(await status(`/v1/files/${file}`, 'DELETE')).toBe(200);
  expect(await filesWith([PLANTED, ...partsOfSource()])).toEqual([]);
}, 240_000);

it('the command line deletes the files that it uploaded for a job with the job, and no others', async () => {
  const env = { FRAMELOOM_URL: system.url };
  const summarized = await runFrameloom(['summarize', video, '--prompt', `${PLANTED} by command`], env);
  expect(summarized.code).toBe(0);
  const [job] = (await system.client.listSummaries()).data;
  const kept = await system.upload(video);
  const other = await run(kept, 'other');
  const source = job?.request.source;
  const uploaded = source?.type === 'video' ? (source.file_id ?? '') : '';
  for (const id of [job?.id ?? '', other])
    expect((await runFrameloom(['jobs', 'delete', id], env)).stderr).toContain(`Deleted ${id}.`);
  expect(await status(`/v1/files/${uploaded}`)).toBe(404);
  expect(await status(`/v1/files/${kept}`, 'DELETE')).toBe(200);
  expect(await filesWith([PLANTED, ...partsOfSource()])).toEqual([]);
}, 240_000);

it('usage counts deleted jobs', async () => {
  const usage = async () =>
    (await fetch(`${system.url}/v1/usage`)).json() as Promise<{ jobs: number; output_tokens: number }>;
  const file = await system.upload(video);
  const id = await run(file, 'counted');
  await expect.poll(async () => (await usage()).jobs, { timeout: 20_000 }).toBeGreaterThan(0);
  const before = await usage();
  expect(await status(`/v1/summaries/${id}`, 'DELETE')).toBe(204);
  expect(await usage()).toMatchObject({ jobs: before.jobs, output_tokens: before.output_tokens });
}, 240_000);
