/** Sources by address whose servers give a final answer: the job ends with it, and nobody is asked twice. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

let system: TestSystem;
let origin: string;
let requests: string[] = [];

const server = createServer((request, response) => {
  const path = request.url ?? '';
  requests.push(path);
  const [, status, file] = /^\/(\d+)\/(.*)$/.exec(path) ?? [];
  // The first request for what is busy is refused for a second.
  const isBusy = status === '429' && requests.filter((one) => one === path).length === 1;
  if (isBusy) return void response.writeHead(429, { 'retry-after': '1' }).end();
  if (status !== '200' && status !== '429') return void response.writeHead(Number(status)).end();
  if (file === 'sign-in') return void response.end('<!doctype html><title>Sign in</title>');
  readFile(join(packageRoot(), 'samples', file ?? '')).then(
    (bytes) => response.end(bytes),
    () => response.writeHead(500).end(),
  );
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has no other kind
  system = await startSystem({ FRAMELOOM_ALLOW_PRIVATE_SOURCES: 'true' });
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

type Source = SummaryRequestInput['source'];
const at = (path: string): string => `${origin}/${path}`;

it.each<[what: string, source: () => Source, code: string, asked: readonly string[]]>([
  ['a video', () => ({ type: 'video', url: at('403/v.mp4') }), 'source_rejected', ['/403/v.mp4']],
  ['a deck', () => ({ type: 'deck', url: at('404/d.pdf') }), 'source_missing', ['/404/d.pdf']],
  [
    'every image of a list',
    () => ({ type: 'images', urls: [at('451/1.png'), at('451/2.png')] }),
    'source_rejected',
    ['/451/1.png', '/451/2.png'],
  ],
  [
    'the subtitles of a video',
    () => ({
      type: 'video',
      url: at('200/sample-video.mp4'),
      subtitles: { url: at('401/words.vtt') },
    }),
    'source_rejected',
    ['/200/sample-video.mp4', '/401/words.vtt'],
  ],
  [
    'the deck of a video',
    () => ({ type: 'video', url: at('200/sample-video.mp4'), deck: { url: at('410/deck.pdf') } }),
    'source_missing',
    ['/200/sample-video.mp4', '/410/deck.pdf'],
  ],
  [
    'a sign-in page',
    () => ({ type: 'video', url: at('200/sign-in') }),
    'unsupported_media',
    ['/200/sign-in'],
  ],
])('a job ends with the first final answer for %s', async (_what, source, code, asked) => {
  requests = [];
  const { id } = await system.client.createSummary({ source: source() });
  const { job } = await follow(system, id);
  expect(job).toMatchObject({ status: 'failed', error: { code, retryable: false } });
  expect(requests).toEqual(asked);
});

it('a server that is busy is asked again', async () => {
  requests = [];
  const { id } = await system.client.createSummary({
    source: { type: 'deck', url: at('429/sample-deck.pdf') },
  });
  expect((await follow(system, id)).job.status).toBe('completed');
  expect(requests).toEqual(['/429/sample-deck.pdf', '/429/sample-deck.pdf']);
});
