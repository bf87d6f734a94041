/** Existing transcripts: every subtitle format gives the same cues at the same times. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  findMediaTools,
  findTextTrack,
  hasAudio,
  type MediaTools,
  parseTranscript,
  probeVideo,
  readSubtitleTrack,
  transcribeSection,
} from '../../media/index.ts';
import { ffmpeg, H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
let tools: MediaTools;
beforeAll(async () => {
  tools = await findMediaTools({});
});

const words = (text: string) => parseTranscript(Buffer.from(text));
/** What all of the files below say. */
const SAID = [
  { start: 1, end: 2.5, text: 'Good morning.' },
  { start: 62.25, end: 65, text: 'Anna: Two lines & more' },
];

const SRT = `1
00:00:01,000 --> 00:00:02,500
<i>Good morning.</i>

2
00:01:02,250 --> 00:01:05,000
{\\an8}Anna: Two lines
& more
`;
const VTT = `WEBVTT - a title

NOTE not this

STYLE
::cue { color: red }

00:01.000 --> 00:02.500 align:start position:0%
Good <b>morning</b>.

x
00:01:02.250 --> 00:01:05.000
<v Anna>Two lines
&amp; <00:01:03.000><c>more</c>
`;
const ASS = `[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\b1}Good morning.
Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\p1}m 0 0 l 9 9{\\p0}
Dialogue: 0,0:01:02.25,0:01:05.00,Default,Anna: Two lines\\N& more
Comment: 0,0:00:09.00,0:00:10.00,Default,not this
`;
const TTML = `<?xml version="1.0"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="4" ttp:tickRate="100">
  <head><metadata><p begin="0s">not this</p></metadata></head>
  <body begin="1s"><div>
    <p begin="0t" end="1500ms">Good <span>morning</span>.</p>
    <p begin="00:01:01:01" dur="2.75s">Anna: Two lines<br/>&amp; more</p>
  </div></body>
</tt>`;
const JSON_CUES = JSON.stringify({ text: '', segments: [{ id: 0, ...SAID[0] }, SAID[1]] });

describe('parseTranscript', () => {
  it.each([
    ['SubRip', SRT],
    [
      'SubRip with line ends of Windows and without empty lines',
      SRT.replaceAll('\n\n', '\n').replaceAll('\n', '\r\n'),
    ],
    ['WebVTT', VTT],
    ['ASS', ASS],
    ['TTML', TTML],
    ['what transcription APIs answer', JSON_CUES],
    ['an array', JSON.stringify(SAID)],
  ])('reads %s', (_what, text) => {
    expect(words(text)).toEqual(SAID);
  });

  it.each([
    ['brackets', '[00:01] Good\nmorning.\n[1:02:03] Bye'],
    ['bare times', '0:01 Good morning.\n1:02:03 - Bye'],
    ['parentheses', '(00:00:01.000) Good morning.\n\n(01:02:03) Bye'],
  ])('reads lines that begin with a time, in %s', (_what, text) => {
    expect(words(text)).toEqual([
      { start: 1, end: 3723, text: 'Good morning.' },
      { start: 3723, end: 3733, text: 'Bye' },
    ]);
  });

  it.each(['utf8', 'utf16le', 'latin1'] as const)('reads %s', (encoding) => {
    const text = `\ufeff${SRT.replace('Good morning', 'Schön')}`;
    const bytes = Buffer.from(encoding === 'latin1' ? text.slice(1) : text, encoding);
    expect(parseTranscript(bytes)[0]?.text).toBe('Schön.');
  });

  it('returns once what rolling captions repeat', () => {
    const rolling = `WEBVTT

00:01.000 --> 00:02.000
one

00:02.000 --> 00:03.000
one
two

00:03.000 --> 00:04.000
two
three
`;
    expect(words(rolling).map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('keeps text that looks like model markup as plain text', () => {
    const [cue] = words('[00:01] a <|end|> b \u202e\u0007c <system>d</system> 2 < 3');
    expect(cue?.text).toBe('a <|end|> b c d 2 < 3');
  });

  it.each([
    ['nothing', 'empty_source', ''],
    ['text without times', 'transcript_unreadable', 'Dear reader,\nthis is a letter.'],
    ['broken TTML', 'transcript_unreadable', '<tt><body>'],
    ['other JSON', 'transcript_unreadable', '{"a": 1}'],
    ['TTML with entities of its own', 'unsupported_media', `<!DOCTYPE tt [<!ENTITY a "b">]>${TTML}`],
  ])('rejects %s: %s', (_what, code, text) => {
    expect(() => words(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe('a subtitle track', () => {
  it.each([
    ['mkv', 'subrip', []],
    ['mkv', 'ass', ['-output_ts_offset', '7.5']],
    ['webm', 'webvtt', []],
    ['mp4', 'mov_text', []],
  ] as const)('of a %s (%s) has times from the first shown frame, %j', async (container, codec, offset) => {
    const clip = await makeClip(at(`clip-${codec}.mkv`), { frames: 100, args: [...H264] });
    await writeFile(
      at('side.srt'),
      SRT.replaceAll('00:01:02,250', '00:00:03,250').replaceAll('00:01:05', '00:00:04'),
    );
    const path = at(`track-${codec}.${container}`);
    const video =
      container === 'webm' ? ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '200k'] : ['-c:v', 'copy'];
    await ffmpeg(['-i', clip, '-i', at('side.srt'), ...video, '-c:s', codec, ...offset, path]);
    const info = await probeVideo(tools, path, LIMITS);
    const track = findTextTrack(info);
    expect(track).toMatchObject({ type: 'subtitles', codec });
    if (!track) return;
    expect(await hasAudio(tools, path, LIMITS.maxPixels)).toBe(false);
    expect(Math.round(info.startOffset * 10) / 10).toBe(offset.length > 0 ? 7.5 : 0);
    const cues = await readSubtitleTrack(tools, { path, video: info, track, ...LIMITS });
    expect(cues.map(({ start, text }) => [Math.round(start * 10) / 10, text])).toEqual([
      [1, 'Good morning.'],
      [3.3, 'Anna: Two lines & more'],
    ]);
  });
});

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
  const api = (url: string) => ({ url, model: 'whisper-1', apiKey: 'key-1' });
  async function spoken(): Promise<string> {
    const path = at('spoken.mkv');
    // Sound that begins half a second into the picture.
    await ffmpeg([
      ...['-f', 'lavfi', '-i', 'color=red:s=64x64:d=3:r=10', '-itsoffset', '0.5'],
      ...['-f', 'lavfi', '-i', 'sine=duration=2', ...H264, '-c:a', 'flac', path],
    ]);
    return path;
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
    const cues = await transcribeSection(tools, {
      path: await spoken(),
      video,
      start: 0,
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
    expect(
      await transcribeSection(tools, { path: await spoken(), video, start: 0, api: api(url), ...LIMITS }),
    ).toEqual([{ start: 0, end: 3, text: 'All of it.' }]);
  });

  it.each([
    [401, 'transcription_rejected', false],
    [413, 'transcription_rejected', false],
    [429, 'transcription_failed', true],
    [503, 'transcription_failed', true],
    [200, 'transcription_failed', true],
  ] as const)('reports status %i as %s', async (status, code, retryable) => {
    const url = await service((_request, _body, response) => {
      response.statusCode = status;
      response.end('{"error": "key-1 is wrong"}');
    });
    const error: unknown = await transcribeSection(tools, {
      path: await spoken(),
      video,
      start: 0,
      api: api(url),
      ...LIMITS,
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, retryable });
    expect(String(error)).not.toContain('key-1');
  });

  it('stops when its signal is aborted', async () => {
    const controller = new AbortController();
    const url = await service(() => controller.abort(new Error('enough')));
    const path = await spoken();
    const asked = transcribeSection(tools, {
      path,
      video,
      start: 0,
      api: api(url),
      ...LIMITS,
      signal: controller.signal,
    });
    await expect(asked).rejects.toThrow('enough');
  });
});
