/** Recordings of known text, transcribed with the real weights of Whisper. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTranscriber, type SpeechCue, type Transcriber } from '../../speech/index.ts';
import { ffmpeg, temporaryFolder } from '../media/clips.ts';
import { type PulledModel, pulledModel, pulledRecordings } from '../support/pulled-models.ts';

const RATE = 16_000;
const JFK =
  'And so my fellow Americans ask not what your country can do for you ask what you can do for your country';
const TWO_CITIES =
  'It was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of darkness it was the spring of hope it was the winter of despair we had everything before us we had nothing before us we were all going direct to heaven we were all going direct the other way in short the period was so far like the present period that some of its noisiest authorities insisted on its being received for good or for evil in the superlative degree of comparison only';

const folder = temporaryFolder();
let model: PulledModel;
let recordings: PulledModel;
let transcriber: Transcriber;
let jfk: Float32Array;
/** What is heard in `jfk`, once for all tests: transcribing takes seconds. */
let heard: Promise<Awaited<ReturnType<Transcriber['transcribe']>>> | undefined;
const hearJfk = () => (heard ??= transcriber.transcribe({ samples: jfk }));

beforeAll(async () => {
  [model, recordings] = [await pulledModel('whisper-tiny.en'), await pulledRecordings()];
  if (!('folder' in model && 'folder' in recordings)) return;
  transcriber = createTranscriber(model);
  jfk = await samplesOf(join(recordings.folder, 'jfk.wav'));
}, 240_000);
beforeEach(({ skip }) => {
  skip('reason' in model, 'reason' in model ? model.reason : '');
  skip('reason' in recordings, 'reason' in recordings ? recordings.reason : '');
});
afterAll(async () => {
  if ('folder' in model) await transcriber[Symbol.asyncDispose]();
});

describe('createTranscriber', () => {
  it('gets at most three of a hundred words wrong on read speech', async () => {
    if (!('folder' in recordings)) return;
    const dickens = await samplesOf(join(recordings.folder, 'two_cities.wav'));
    const first = await hearJfk();
    const second = await transcriber.transcribe({ samples: dickens });
    const errors = wordErrors(JFK, first.cues) + wordErrors(TWO_CITIES, second.cues);
    const spoken = JFK.split(' ').length + TWO_CITIES.split(' ').length;
    expect(errors / spoken).toBeLessThanOrEqual(0.03);
    expectOrdered(second.cues, dickens.length / RATE);
  });

  it('places words at the time they are said, wherever the recording begins', async () => {
    const silence = new Float32Array(20 * RATE);
    const later = new Float32Array(silence.length + jfk.length);
    later.set(jfk, silence.length);
    const [now, then] = [await hearJfk(), await transcriber.transcribe({ samples: later })];
    expect(then.cues.map(({ text }) => text)).toEqual(now.cues.map(({ text }) => text));
    for (const [index, { start, end }] of then.cues.entries()) {
      expect(Math.abs(start - 20 - (now.cues[index]?.start ?? 0))).toBeLessThan(0.5);
      expect(Math.abs(end - 20 - (now.cues[index]?.end ?? 0))).toBeLessThan(0.5);
    }
    // The recording has 11 s and speech from its first to its last half second.
    expect(now.cues[0]?.start).toBeLessThan(1);
    expect(now.cues.at(-1)?.end).toBeGreaterThan(10);
  });

  it.each<[string, (at: number) => number]>([
    ['silence', () => 0],
    ['noise', (at) => Math.sin(at * 12.9898 + Math.sin(at * 78.233) * 43_758.5453) * 0.3],
    [
      'music',
      (at) =>
        (Math.sin(at * 0.1728) + Math.sin(at * 0.2177) + Math.sin(at * 0.2588)) *
        0.2 *
        (1 + Math.sin(at / 2500)),
    ],
  ])('hears nothing in a minute of %s', async (_, sample) => {
    const samples = Float32Array.from({ length: 60 * RATE }, (__, at) => sample(at));
    expect(await transcriber.transcribe({ samples })).toEqual({ cues: [], language: undefined });
  });

  it('gives the same text for the same sound', async () => {
    const [first, second] = [await hearJfk(), await transcriber.transcribe({ samples: jfk })];
    expect(second).toEqual(first);
  });

  it('goes on after a call that was aborted, which kills its process', async () => {
    const abort = new AbortController();
    const aborted = transcriber.transcribe({ samples: jfk }, abort.signal);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect((await transcriber.transcribe({ samples: jfk })).cues).not.toEqual([]);
  });

  it('reports a folder without a model', async () => {
    await using missing = createTranscriber({ folder: join(folder, 'nothing') });
    await expect(missing.transcribe({ samples: jfk })).rejects.toMatchObject({ code: 'model_invalid' });
  });
});

function expectOrdered(cues: readonly SpeechCue[], duration: number): void {
  for (const [index, { start, end }] of cues.entries()) {
    expect(start).toBeGreaterThanOrEqual(cues[index - 1]?.end ?? 0);
    expect(end).toBeGreaterThan(start);
    expect(end).toBeLessThanOrEqual(duration);
  }
}

/** Substitutions, deletions and insertions between the words of `expected` and of the cues. */
function wordErrors(expected: string, cues: readonly SpeechCue[]): number {
  const [want, got] = [words(expected), words(cues.map(({ text }) => text).join(' '))];
  let row = Array.from({ length: got.length + 1 }, (_, index) => index);
  for (const [index, word] of want.entries()) {
    const next = [index + 1];
    for (const [at, other] of got.entries()) {
      const substituted = (row[at] ?? 0) + (word === other ? 0 : 1);
      next.push(Math.min(substituted, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[^a-z' ]+/g, ' ')
    .split(' ')
    .filter((word) => word !== '');
}

async function samplesOf(path: string): Promise<Float32Array> {
  const raw = join(folder, `${path.split('/').at(-1)}.f32`);
  await ffmpeg(['-i', `file:${path}`, '-ac', '1', '-ar', String(RATE), '-f', 'f32le', `file:${raw}`]);
  const bytes = await readFile(raw);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
