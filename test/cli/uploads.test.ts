import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRequestArguments, uploadAttachments, uploadSource } from '../../cli/arguments/index.ts';
import { createClient } from '../../client/index.ts';

interface ReceivedUpload {
  readonly filename: string | null;
  readonly contentLength: string | undefined;
  readonly body: string;
}

let folder: string;
let server: Server;
let received: ReceivedUpload[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-uploads-'));
  received = [];
  server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const filename = new URL(request.url ?? '', 'http://server').searchParams.get('filename');
      const contentLength = request.headers['content-length'];
      received.push({ filename, contentLength, body: body.toString() });
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ id: `file_${received.length}` }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

describe('uploads from the command line', () => {
  it('state the size of each file before its bytes, and report progress of the source and its attachments', async () => {
    const video = await file('talk.mp4', 'v'.repeat(200_000));
    const subtitles = await file('talk.srt', '1\n');
    const deck = await file('talk.pdf', '%PDF-1.7');
    const { source, attachments } = await readRequestArguments([
      video,
      '--subtitles',
      subtitles,
      ...['--subtitles-encoding', 'CP1251', '--audio-track', '2', '--subtitle-track', '4'],
      '--deck',
      deck,
    ]);
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const client = createClient({ url: `http://127.0.0.1:${port}` });
    const progress: (readonly [number, number, string | undefined])[] = [];
    const options = {
      signal: new AbortController().signal,
      onProgress: (sent: number, total: number, name?: string) => void progress.push([sent, total, name]),
    };
    const main = await uploadSource(source, client, options);
    expect(await uploadAttachments(main, attachments, client, options)).toEqual({
      type: 'video',
      file_id: 'file_1',
      subtitles: { file_id: 'file_2', encoding: 'windows-1251' },
      tracks: { audio: 2, subtitles: 4 },
      deck: { file_id: 'file_3' },
    });
    expect(received).toEqual([
      { filename: 'talk.mp4', contentLength: '200000', body: 'v'.repeat(200_000) },
      { filename: 'talk.srt', contentLength: '2', body: '1\n' },
      { filename: 'talk.pdf', contentLength: '8', body: '%PDF-1.7' },
    ]);
    expect(progress).toContainEqual([200_000, 200_000, undefined]);
    expect(progress.slice(-2)).toEqual([
      [2, 2, 'talk.srt'],
      [8, 8, 'talk.pdf'],
    ]);
  });

  it.each([
    ['an encoding that does not exist', ['--subtitles-encoding', 'windows-99']],
    ['a track that is no number of a stream', ['--audio-track', '1.5']],
  ])('reject %s before anything is uploaded', async (_what, options) => {
    const video = await file('talk.mp4', 'v');
    const subtitles = await file('talk.srt', '1\n');
    await expect(readRequestArguments([video, '--subtitles', subtitles, ...options])).rejects.toThrow(
      options[1],
    );
    expect(received).toEqual([]);
  });
});
