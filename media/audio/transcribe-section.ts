/**
 * Turns the sound of a video into words at an OpenAI-compatible API, piece by piece: each piece is cut out by ffmpeg as 16 kHz mono
 * and sent by itself, so that a lost worker costs one of them.
 */
import { z } from 'zod';
import type { TranscriptionSettings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import type { Cue, VideoInfo } from '../../schema/source.ts';
import { inputArgs, type MediaTools, startProgram, toMediaError } from '../exec/index.ts';
import { shiftCues, tidyCues } from '../subtitles/index.ts';

/** Length of a piece in seconds: 19.2 MB of sound, where APIs take 25 MB. */
export const AUDIO_SECTION_SECONDS = 600;

const RATE = 16_000;
/** Wall-clock limits in milliseconds: to cut a piece out, and for the API to answer. */
const TIME_LIMIT = { cut: 600_000, answer: 600_000 } as const;
/** Most bytes of an answer: words of ten minutes are some kilobytes. */
const MAX_ANSWER = 4 * 2 ** 20;

const Answer = z.object({
  text: z.string(),
  segments: z.array(z.object({ start: z.number(), end: z.number(), text: z.string() })).optional(),
});

/**
 * The words spoken in `[start, start + SPEECH_PIECE)`, in times from the first shown frame. Throws `transcription_refused`,
 * `transcription_failed`, `media_truncated`, `timeout`, or the reason of the signal.
 */
export async function transcribeSection(
  tools: MediaTools,
  path: string,
  video: Pick<VideoInfo, 'startOffset' | 'duration'>,
  start: number,
  api: TranscriptionSettings,
  options: { readonly maxPixels: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly Cue[]> {
  const length = Math.min(AUDIO_SECTION_SECONDS, video.duration - start);
  const samples = await cut(tools, path, start + video.startOffset, length, options);
  if (samples.length === 0) return [];
  const { text, segments } = await ask(api, wav(samples), options.signal);
  const cues = segments ?? [{ start: 0, end: length, text }];
  return tidyCues(shiftCues(cues, start));
}

/** The sound from container time `from`, as 16-bit samples; silence where the track begins later or has holes. */
async function cut(
  tools: MediaTools,
  path: string,
  from: number,
  seconds: number,
  { maxPixels, signal }: { readonly maxPixels: number; readonly signal?: AbortSignal | undefined },
): Promise<Buffer> {
  const seek = ['-seek_timestamp', '1', '-ss', from.toFixed(6), '-t', seconds.toFixed(6)];
  const args = [
    ...['-nostdin', ...inputArgs(path, { maxPixels, seek })],
    ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-af', 'aresample=async=1:first_pts=0'],
    ...['-ac', '1', '-ar', String(RATE), '-f', 's16le', 'pipe:1'],
  ];
  const most = Math.ceil(seconds + 1) * RATE * 2;
  const program = startProgram(tools.ffmpeg, args, { signal, timeLimitMs: TIME_LIMIT.cut });
  program.secondOutput.resume();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of program.stdout) {
      chunks.push(chunk as Buffer); // a stream without encoding
      bytes += (chunk as Buffer).length;
      if (bytes >= most) break;
    }
  } finally {
    if (bytes >= most || signal?.aborted) program.stop();
  }
  const ending = await program.exited;
  const broken = new FrameloomError('media_truncated', 'The sound of the video cannot be decoded.');
  if (ending.code !== 0 && ending.stopped !== 'done') throw toMediaError(ending, signal, broken);
  return Buffer.concat(chunks).subarray(0, most);
}

/** A WAV file: RIFF header of 44 bytes and the samples. */
function wav(samples: Buffer): Blob {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // one channel
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return new Blob([new Uint8Array(header), new Uint8Array(samples)], { type: 'audio/wav' });
}

async function ask(
  api: TranscriptionSettings,
  sound: Blob,
  signal: AbortSignal | undefined,
): Promise<z.infer<typeof Answer>> {
  const form = new FormData();
  form.set('file', sound, 'speech.wav');
  form.set('model', api.model);
  form.set('response_format', 'verbose_json');
  const deadline = AbortSignal.timeout(TIME_LIMIT.answer);
  try {
    const response = await fetch(endpoint(api.url), {
      method: 'POST',
      body: form,
      redirect: 'error',
      headers: api.apiKey === undefined ? {} : { authorization: `Bearer ${api.apiKey}` },
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refusal(response.status);
    }
    return Answer.parse(JSON.parse(await bodyText(response)));
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof FrameloomError) throw error;
    const message = deadline.aborted
      ? 'The transcription service did not answer in time.'
      : 'The transcription service does not answer as it should.';
    throw new FrameloomError('transcription_failed', message, { cause: error });
  }
}

/** The address of the call, whether the setting names the server, its API or the call itself. */
function endpoint(setting: string): URL {
  const url = new URL(setting);
  const path = url.pathname.replace(/\/+$/, '');
  if (!path.endsWith('/audio/transcriptions')) url.pathname = `${path || '/v1'}/audio/transcriptions`;
  return url;
}

/** What is wrong with the request or the key stays wrong; what is busy or broken may not. */
function refusal(status: number): FrameloomError {
  const passing = status >= 500 || status === 429 || status === 408 || status === 425;
  return new FrameloomError(
    passing ? 'transcription_failed' : 'transcription_refused',
    `The transcription service answers ${status}.`,
  );
}

async function bodyText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw new RangeError('The answer is too long.');
  }
  return Buffer.concat(chunks).toString('utf8');
}
