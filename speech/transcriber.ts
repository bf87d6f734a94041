/** Transcribes speech: voice activity, windows of 30 s, Whisper, cues with times. */
import { join } from 'node:path';
import { type Graph, ModelError, type OrtRuntime, openRuntime } from '../onnx/index.ts';
import { decodeWindow } from './decode-window.ts';
import { type DecoderGraph, describeDecoder } from './decoder.ts';
import { logMelSpectrogram, SAMPLE_RATE, WINDOW_SAMPLES } from './log-mel.ts';
import { readSpeechTokens, type SpeechTokens, TIMESTAMP_SECONDS } from './tokenizer.ts';
import { findSpeech, type SpeechSpan, type VoiceModel } from './voice-activity.ts';

/** Words that were said, in seconds from the first sample. */
export interface SpeechCue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Transcription {
  readonly cues: readonly SpeechCue[];
  /** ISO 639-1 code. Undefined where nothing was said, and for models of one language. */
  readonly language: string | undefined;
}

/** Sound to transcribe. */
export interface Sound {
  /** Mono, 16,000 a second, from -1 to 1. */
  readonly samples: Float32Array;
  /** ISO 639-1 code. Default: detected. */
  readonly language?: string | undefined;
  /** Names and terms that may occur, or the text before these samples. */
  readonly context?: string | undefined;
}

/** A loaded speech model. Disposing releases it. */
export interface Transcriber extends AsyncDisposable {
  /**
   * Returns what was said, in order.
   *
   * @throws ModelError `runtime` if ONNX Runtime fails; the reason of the signal.
   */
  transcribe(sound: Sound, signal?: AbortSignal): Promise<Transcription>;
}

/** A cue of which a smaller share lies in speech is invented. */
const MIN_SPEECH_SHARE = 0.2;

/**
 * Loads the model in `folder`: Whisper in the layout of `onnx-community/whisper-*` and
 * `silero_vad_16k.onnx`, as `models pull` installs them. `threads` is the number of CPU threads.
 *
 * @throws ModelError `model_invalid` if a file is missing or does not fit the others.
 */
export async function openTranscriber(
  folder: string,
  { threads }: { readonly threads?: number } = {},
): Promise<Transcriber> {
  const { runtime } = await openRuntime({ provider: 'cpu', threads });
  const voice = { runtime, graph: await runtime.loadGraph(join(folder, 'silero_vad_16k.onnx')) };
  const encoder = await runtime.loadGraph(join(folder, 'encoder_model.onnx'));
  const decoder = describeDecoder(
    runtime,
    await runtime.loadGraph(join(folder, 'decoder_model_merged.onnx')),
  );
  const whisper = { runtime, encoder, decoder, tokens: await readSpeechTokens(folder) };
  return {
    transcribe: (sound, signal) => transcribe(voice, whisper, sound, signal),
    async [Symbol.asyncDispose]() {
      for (const graph of [voice.graph, encoder, decoder.graph]) await graph.close();
    },
  };
}

interface Whisper {
  readonly runtime: OrtRuntime;
  readonly encoder: Graph;
  readonly decoder: DecoderGraph;
  readonly tokens: SpeechTokens;
}

async function transcribe(
  voice: VoiceModel,
  whisper: Whisper,
  { samples, language, context = '' }: Sound,
  signal: AbortSignal | undefined,
): Promise<Transcription> {
  const speech = await findSpeech(voice, samples, signal);
  const cues: SpeechCue[] = [];
  let detected = language;
  for (let at = 0; ; ) {
    const window = nextWindow(speech, at);
    if (window === undefined) break;
    signal?.throwIfAborted();
    const sound = samples.subarray(window.start, window.end);
    const said = cues.length === 0 ? context : `${context} ${cues.at(-1)?.text ?? ''}`.trim();
    const found = await transcribeWindow(whisper, sound, { language: detected, context: said, signal });
    detected ??= found.language;
    cues.push(
      ...found.cues
        .map((cue) => shift(cue, window.start / SAMPLE_RATE))
        .filter((cue) => isSpoken(cue, speech)),
    );
    at = window.start + Math.max(found.consumed, SAMPLE_RATE);
  }
  return { cues, language: cues.length === 0 ? undefined : detected };
}

/** The speech from sample `at` on, up to 30 s. A span that begins in the window and ends after it is left for the next. */
function nextWindow(speech: readonly SpeechSpan[], at: number): SpeechSpan | undefined {
  const left = speech.filter(({ end }) => end > at);
  const [first] = left;
  if (first === undefined) return undefined;
  const start = Math.max(at, first.start);
  const whole = left.filter(({ end }) => end <= start + WINDOW_SAMPLES).at(-1);
  return { start, end: whole?.end ?? Math.min(first.end, start + WINDOW_SAMPLES) };
}

interface WindowCues {
  /** In seconds from the start of the window. */
  readonly cues: readonly SpeechCue[];
  readonly language: string | undefined;
  /** Samples after which the next window begins. */
  readonly consumed: number;
}

async function transcribeWindow(
  { runtime, encoder, decoder, tokens }: Whisper,
  samples: Float32Array,
  options: {
    readonly language: string | undefined;
    readonly context: string;
    readonly signal: AbortSignal | undefined;
  },
): Promise<WindowCues> {
  const [, mels = 0] = encoder.inputs.get('input_features')?.dims ?? [];
  const [, positions = 0, width = 0] = encoder.outputs.get('last_hidden_state')?.dims ?? [];
  if (mels <= 0 || positions <= 0 || width <= 0) {
    throw new ModelError('model_invalid', 'The encoder of the speech model has an unknown layout.');
  }
  const features = runtime.createTensor(logMelSpectrogram(samples, mels), [1, mels, 3000]);
  const encoded = runtime.createTensor(new Float32Array(positions * width), [1, positions, width]);
  try {
    await encoder.run([['input_features', features]], [['last_hidden_state', encoded]]);
    const text = await decodeWindow(decoder, tokens, encoded, options);
    return { ...cuesOf(text.tokens, tokens, samples.length), language: text.language };
  } finally {
    features.release();
    encoded.release();
  }
}

/** Cues between timestamps. Text after the last pair of timestamps is left for the next window. */
function cuesOf(
  ids: readonly number[],
  { firstTimestamp, decode }: SpeechTokens,
  length: number,
): Pick<WindowCues, 'cues' | 'consumed'> {
  const seconds = length / SAMPLE_RATE;
  const cues: SpeechCue[] = [];
  let start = 0;
  let text: number[] = [];
  let consumed = length;
  const add = (end: number): void => {
    const said = decode(text).trim();
    if (said !== '' && start < seconds)
      cues.push({ start, end: Math.min(Math.max(end, start), seconds), text: said });
    text = [];
  };
  for (const id of ids) {
    if (id < firstTimestamp) {
      text.push(id);
      continue;
    }
    const time = (id - firstTimestamp) * TIMESTAMP_SECONDS;
    if (text.length > 0) add(time);
    start = time;
  }
  if (text.length > 0) {
    const isFull = length >= WINDOW_SAMPLES;
    // A full window cuts the last sentence, unless it is the only one: then it would never end.
    if (isFull && cues.length > 0) consumed = Math.round(start * SAMPLE_RATE);
    else add(seconds);
  } else if (length >= WINDOW_SAMPLES && cues.length > 0) {
    consumed = Math.round((cues.at(-1)?.end ?? seconds) * SAMPLE_RATE);
  }
  return { cues, consumed };
}

function shift({ start, end, text }: SpeechCue, seconds: number): SpeechCue {
  const round = (time: number): number => Math.round((time + seconds) * 1000) / 1000;
  return { start: round(start), end: round(end), text };
}

/** Whether enough of a cue lies in speech. */
function isSpoken(cue: SpeechCue, speech: readonly SpeechSpan[]): boolean {
  let spoken = 0;
  for (const { start, end } of speech) {
    spoken += Math.max(0, Math.min(cue.end, end / SAMPLE_RATE) - Math.max(cue.start, start / SAMPLE_RATE));
  }
  return spoken >= MIN_SPEECH_SHARE * (cue.end - cue.start);
}
