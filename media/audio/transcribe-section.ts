/**
 * Transcribes the audio of a video with an OpenAI-compatible API, section by section. ffmpeg extracts each
 * section as 16 kHz mono, and each is sent separately, so that a lost worker costs one section.
 */
import type { TranscriptionSettings } from '../../config/settings.ts';
import { FrameloomError } from '../../core/errors.ts';
import type { VideoInfo } from '../../schema/source.ts';
import { inputArgs, type MediaTools, type Program, startProgram, toMediaError } from '../exec/index.ts';
import { type PlacedCues, placeCues } from '../subtitles/index.ts';
import { startPartDecoder } from '../video/index.ts';
import { readTranscription } from './transcription.ts';

/** Length of a section in seconds: 19.2 MB of WAV, where APIs accept 25 MB. */
export const AUDIO_SECTION_SECONDS = 600;

const SAMPLE_RATE_HZ = 16_000;
const BYTES_PER_SAMPLE = 2;
/** Wall-clock limits for extracting a section, and for the response of the API. */
const TIME_LIMIT_MS = { extract: 600_000, response: 600_000 } as const;
/** Most bytes of a response: the transcript of ten minutes takes a few kilobytes. */
const MAX_RESPONSE_BYTES = 4 * 2 ** 20;

export interface SectionRequest {
  /** File of the video. */
  readonly path: string;
  readonly video: Pick<VideoInfo, 'startOffset' | 'duration' | 'sequential'>;
  /** Number of the audio stream. */
  readonly audioTrack: number;
  /** Start of the section in seconds from the first displayed frame. */
  readonly start: number;
  /** The transcription service. */
  readonly api: TranscriptionSettings;
  /** Largest frame of the video that ffmpeg may allocate, in pixels. */
  readonly maxPixels: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns what is spoken in `[start, start + AUDIO_SECTION_SECONDS)`, with times in seconds from the first
 * displayed frame; no cues where there is no audio.
 *
 * @throws FrameloomError `section_not_transcribed` (the service rejects this section, or its response cannot
 *   be read: sending it again gives the same), `transcription_rejected` (401, 403, 404: the settings are
 *   wrong), `transcription_failed` (429, 5xx, no response: worth a retry), `media_truncated`, `timeout`; or
 *   the reason of the signal
 */
export async function transcribeSection(tools: MediaTools, request: SectionRequest): Promise<PlacedCues> {
  const { video, start, api, signal } = request;
  const seconds = Math.min(AUDIO_SECTION_SECONDS, video.duration - start);
  const samples = await extractSamples(tools, request, seconds);
  if (samples.length === 0) return { cues: [], skipped: {} };
  const response = await postAudio(api, wavFile(samples), signal);
  return placeCues(readTranscription(response, seconds), { shift: start, markup: 'kept' });
}

/**
 * The audio of the section as 16-bit samples, with silence where the track begins later or has gaps. The sound of
 * each part of a joined recording begins with its pictures.
 */
async function extractSamples(tools: MediaTools, request: SectionRequest, seconds: number): Promise<Buffer> {
  const { path, video, audioTrack, start, maxPixels, signal } = request;
  const from = start + video.startOffset;
  const limits = { signal, timeLimitMs: TIME_LIMIT_MS.extract };
  const { sequential } = video;
  if (!sequential || (sequential.parts.length === 1 && !sequential.edits)) {
    const seek = ['-seek_timestamp', '1', '-ss', from.toFixed(6), '-t', seconds.toFixed(6)];
    const input = ['-nostdin', ...inputArgs(path, { maxPixels, seek }), '-map', `0:${audioTrack}`];
    const program = startProgram(tools.ffmpeg, [...input, ...sampleArgs()], limits);
    return readSamples(program, seconds, signal);
  }
  const samples: Buffer[] = [];
  for (const [part, { start: begins, shift }] of sequential.parts.entries()) {
    const next = sequential.parts[part + 1];
    const own = part === 0 ? video.startOffset : begins + shift; // where the part begins
    const end = next ? next.start + next.shift : Number.POSITIVE_INFINITY;
    const [first, last] = [Math.max(from, own), Math.min(from + seconds, end)];
    if (last <= first) continue;
    const cut = `atrim=start=${(first - own).toFixed(6)}:end=${(last - own).toFixed(6)}`;
    const filters = ['asetpts=PTS-STARTPTS', cut, `asetpts=PTS-(${(first - own).toFixed(6)})/TB`];
    const source = { path, sequential, track: audioTrack, part };
    const program = startPartDecoder(tools, source, sampleArgs(filters), { ...limits, maxPixels });
    const read = await readSamples(program, last - first, signal);
    // What follows is in its place even where the sound of this part is shorter.
    const length = Math.round((last - first) * SAMPLE_RATE_HZ) * BYTES_PER_SAMPLE;
    samples.push(read.subarray(0, length), Buffer.alloc(Math.max(0, length - read.length)));
  }
  return Buffer.concat(samples);
}

function sampleArgs(filters: readonly string[] = []): readonly string[] {
  return [
    ...['-vn', '-sn', '-dn', '-af', [...filters, 'aresample=async=1:first_pts=0'].join(',')],
    ...['-ac', '1', '-ar', String(SAMPLE_RATE_HZ), '-f', 's16le', 'pipe:1'],
  ];
}

async function readSamples(
  program: Program,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const maxBytes = Math.ceil(seconds + 1) * SAMPLE_RATE_HZ * BYTES_PER_SAMPLE;
  program.secondOutput.resume();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of program.stdout) {
      chunks.push(chunk as Buffer); // a stream without encoding
      bytes += (chunk as Buffer).length;
      if (bytes >= maxBytes) break;
    }
  } finally {
    if (bytes >= maxBytes || signal?.aborted) program.stop();
  }
  const exit = await program.exited;
  const undecodable = new FrameloomError(
    'media_truncated',
    'The audio of the video cannot be decoded: it is cut off or damaged. Upload the video again.',
  );
  if (exit.code !== 0 && exit.stopped !== 'done') throw toMediaError(exit, signal, undecodable);
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

/** A WAV file: a RIFF header of 44 bytes and the samples. */
function wavFile(samples: Buffer): Blob {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16); // bytes of the format chunk
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // one channel
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return new Blob([new Uint8Array(header), new Uint8Array(samples)], { type: 'audio/wav' });
}

async function postAudio(
  api: TranscriptionSettings,
  audio: Blob,
  signal: AbortSignal | undefined,
): Promise<string> {
  const form = new FormData();
  form.set('file', audio, 'speech.wav');
  form.set('model', api.model);
  form.set('response_format', 'verbose_json');
  const deadline = AbortSignal.timeout(TIME_LIMIT_MS.response);
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
      throw errorFromStatus(response.status);
    }
    return await bodyText(response);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof FrameloomError) throw error;
    const message = deadline.aborted
      ? 'The transcription service did not respond in time.'
      : 'The transcription service cannot be reached, or its response was cut off. Check its URL.';
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

/** Statuses that every section would get: the address, the key or the model is wrong. */
const WRONG_SETTINGS = new Set([401, 402, 403, 404, 405, 407, 410]);

/** A busy or broken service is worth a retry; what it has against one section is not. */
function errorFromStatus(status: number): FrameloomError {
  const returned = `The transcription service returned status ${status}`;
  if (status >= 500 || [408, 425, 429].includes(status))
    return new FrameloomError('transcription_failed', `${returned}.`);
  if (WRONG_SETTINGS.has(status))
    return new FrameloomError('transcription_rejected', `${returned}. Check its URL, API key and model.`);
  return new FrameloomError('section_not_transcribed', `${returned} for a section of the audio.`);
}

async function bodyText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new FrameloomError(
        'section_not_transcribed',
        `The response of the transcription service has more than ${MAX_RESPONSE_BYTES} bytes.`,
      );
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}
