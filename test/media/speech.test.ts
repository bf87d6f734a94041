/** Speech recognition by an OpenAI-compatible API: what is sent, and what its responses cost. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findMediaTools, transcribeSection } from '../../media/index.ts';
import { ffmpeg, H264, LIMITS, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const tools = await findMediaTools({});

describe('transcribeSection', () => {
  /** A transcription service; answers the address of its API. */
  async function service(
    answer: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void,
  ): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => answer(request, Buffer.concat(chunks), response));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`; // it listens on TCP
  }

  const video = { startOffset: 0, duration: 3 };
  const audioTrack = 1;
  const api = (url: string) => ({ url, model: 'whisper-1', apiKey: 'key-1' });
  const spoken = at('spoken.mkv');
  beforeAll(() =>
    // Sound that begins half a second into the picture.
    ffmpeg([
      ...['-f', 'lavfi', '-i', 'color=red:s=64x64:d=3:r=10', '-itsoffset', '0.5'],
      ...['-f', 'lavfi', '-i', 'sine=duration=2', ...H264, '-c:a', 'flac', spoken],
    ]),
  );

  async function transcribe(url: string) {
    return transcribeSection(tools, { path: spoken, video, start: 0, audioTrack, api: api(url), ...LIMITS });
  }

  it('sends 16 kHz mono audio to an OpenAI-compatible API and returns cues with times of the video', async () => {
    let seen: { url: string | undefined; key: string | undefined; form: string; wav: Buffer } | undefined;
    const url = await service(({ url: path, headers }, body, response) => {
      const start = body.indexOf('RIFF');
      seen = {
        url: path,
        key: headers.authorization,
        form: body.toString('latin1').replace(/RIFF.*?\r\n--/s, '--'),
        wav: body.subarray(start, start + 8 + body.readUInt32LE(start + 4)),
      };
      response.end(
        JSON.stringify({
          text: 'Hello there.',
          segments: [{ id: 0, start: 0.5, end: 1.5, text: ' Hello there.' }],
        }),
      );
    });
    const { cues } = await transcribeSection(tools, {
      path: spoken,
      video,
      start: 0,
      audioTrack,
      api: api(url),
      ...LIMITS,
    });
    expect(cues).toEqual([{ start: 0.5, end: 1.5, text: 'Hello there.' }]);
    expect([seen?.url, seen?.key]).toEqual(['/v1/audio/transcriptions', 'Bearer key-1']);
    expect(seen?.form).toMatch(/name="model"\r\n\r\nwhisper-1\r\n/);
    expect(seen?.form).toMatch(/name="response_format"\r\n\r\nverbose_json\r\n/);
    const wav = seen?.wav ?? Buffer.alloc(44);
    expect([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34)]).toEqual([1, 16_000, 16]);
    // Silence up to where the sound begins, then the tone: 44 bytes of header, 2 bytes a sample.
    const loudest = (from: number, until: number): number => {
      let most = 0;
      for (let sample = from * 16_000; sample < until * 16_000; sample++) {
        most = Math.max(most, Math.abs(wav.readInt16LE(44 + sample * 2)));
      }
      return most;
    };
    expect(loudest(0, 0.45)).toBeLessThan(100);
    expect(loudest(0.55, 2.4)).toBeGreaterThan(1000);
    expect((wav.length - 44) / 32_000).toBeGreaterThan(2.4);
  });

  it('assigns a response without times to the whole section', async () => {
    const url = await service((_request, _body, response) =>
      response.end(JSON.stringify({ text: 'All of it.' })),
    );
    expect(await transcribe(url)).toEqual({ cues: [{ start: 0, end: 3, text: 'All of it.' }], skipped: {} });
  });

  it.each([
    [401, 'transcription_rejected', false],
    [404, 'transcription_rejected', false],
    [400, 'section_not_transcribed', false],
    [413, 'section_not_transcribed', false],
    [429, 'transcription_failed', true],
    [503, 'transcription_failed', true],
  ] as const)('reports status %i as %s', async (status, code, retryable) => {
    const url = await service((_request, _body, response) => {
      response.statusCode = status;
      response.end('{"error": "key-1 is wrong"}');
    });
    const error: unknown = await transcribe(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, retryable });
    expect(String(error)).not.toContain('key-1');
  });

  const said = (start: unknown, end: unknown, text: unknown) => ({ start, end, text });

  it.each([
    [
      'an end that is null lasts until the next',
      { text: 'a b', segments: [said(0, null, ' a'), said(2, 2.5, 'b')] },
      [
        [0, 2, 'a'],
        [2, 2.5, 'b'],
      ],
      {},
    ],
    [
      'a segment without a start is counted',
      { text: 'a b', segments: [said(null, 1, 'a'), said(2, 3, 'b')] },
      [[2, 3, 'b']],
      { no_time: 1 },
    ],
    [
      'a segment whose text is null is counted',
      { text: 'b', segments: [said(0, 1, null), said(2, 3, 'b')] },
      [[2, 3, 'b']],
      { no_text: 1 },
    ],
    ['segments that are null leave the text', { text: 'all', segments: null }, [[0, 3, 'all']], {}],
    [
      'segments of another kind leave the text',
      { text: 'all', segments: ['a', 7, null] },
      [[0, 3, 'all']],
      {},
    ],
    [
      'a text that is null leaves the segments',
      { text: null, segments: [said(1, 2, 'a')] },
      [[1, 2, 'a']],
      {},
    ],
    [
      'times after the end of the audio are moved to it',
      { text: 'a', segments: [said(2.5, 99, 'a')] },
      [[2.5, 3, 'a']],
      {},
    ],
    [
      'a line that is said twice stays twice',
      { text: '', segments: [said(0, 1, 'No.'), said(1, 2, 'No.')] },
      [
        [0, 1, 'No.'],
        [1, 2, 'No.'],
      ],
      {},
    ],
    ['silence has no cues', { text: '', segments: [] }, [], {}],
  ] as const)('reads odd responses: %s', async (_rule, body, cues, skipped) => {
    const url = await service((_request, _body, response) => response.end(JSON.stringify(body)));
    expect(await transcribe(url)).toEqual({
      cues: cues.map(([start, end, text]) => ({ start, end, text })),
      skipped,
    });
  });

  it.each([
    'null',
    '[]',
    '{}',
    '{"text": null, "segments": null}',
    '{"error": "key-1"}',
    'OK',
    '{"text": "cut',
  ])('a response without text costs the section, and is not retried: %s', async (body) => {
    const url = await service((_request, _body, response) => response.end(body));
    const failure: unknown = await transcribe(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'section_not_transcribed', retryable: false });
    expect(String(failure)).not.toContain('key-1');
  });

  it('divides a long text between words, and loses none of them', async () => {
    const words = Array.from({ length: 400 }, (_, index) => `word${index}`);
    const url = await service((_request, _body, response) =>
      response.end(JSON.stringify({ text: words.join(' ') })),
    );
    const { cues } = await transcribe(url);
    expect(cues.map(({ text }) => text).join(' ')).toBe(words.join(' '));
    expect(Math.max(...cues.map(({ text }) => text.length))).toBeLessThanOrEqual(1000);
  });

  it('stops when its signal is aborted', async () => {
    const controller = new AbortController();
    const url = await service(() => controller.abort(new Error('enough')));
    const asked = transcribeSection(tools, {
      path: spoken,
      video,
      start: 0,
      audioTrack,
      api: api(url),
      ...LIMITS,
      signal: controller.signal,
    });
    await expect(asked).rejects.toThrow('enough');
  });
});
