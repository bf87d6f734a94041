/** Reads the words that go with a video. What the request brings goes before a subtitle track, and that before speech recognition. */

import type { TranscriptionSettings } from '../config/settings.ts';
import { digest } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import {
  AUDIO_SECTION_SECONDS,
  findTextTrack,
  hasAudio,
  MAX_TRANSCRIPT_BYTES,
  type MediaTools,
  parseTranscript,
  readSubtitleTrack,
  transcribeSection,
} from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { Cue } from '../schema/source.ts';
import type { ReadTranscriptInput, TranscriptRef } from '../schema/stages.ts';
import { transcriptName } from '../store/names.ts';
import {
  findJson,
  findSource,
  getJson,
  putJson,
  readRequest,
  type SourceDeps,
  type SourceRef,
  withHeartbeat,
} from './lib/index.ts';

/** Part of the names of words: raise it when the same source would give others. */
const VERSION = 1;

export interface TranscriptDeps extends SourceDeps {
  readonly tools: MediaTools;
  readonly limits: SourceDeps['limits'] & { readonly maxPixels: number };
  /** Where speech is turned into text; undefined: nowhere. */
  readonly transcription: TranscriptionSettings | undefined;
}

export function createReadTranscript(deps: TranscriptDeps): CpuActivities['readTranscript'] {
  const { store, tools, transcription } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const { source } = await readRequest(store, input.jobId);
      const subtitles = source.type === 'video' ? source.subtitles : undefined;
      const transcript = subtitles ? await fromRequest(subtitles, signal) : await fromVideo(input, signal);
      return transcript ? { transcript } : {};
    });

  async function fromRequest(subtitles: SourceRef, signal: AbortSignal): Promise<TranscriptRef> {
    const { name, bytes } = await findSource(deps, subtitles, signal);
    if (bytes > MAX_TRANSCRIPT_BYTES)
      throw new FrameloomError('media_too_large', 'The file of subtitles is too large.');
    return { artifact: await keep(parseTranscript(await store.bytes(name))), from: 'request' };
  }

  async function fromVideo(
    input: ReadTranscriptInput,
    signal: AbortSignal,
  ): Promise<TranscriptRef | undefined> {
    const { maxPixels } = deps.limits;
    const { source } = input;
    return store.withFile(input.artifact, async (path) => {
      const track = findTextTrack(source);
      if (track !== undefined) {
        const cues = await readSubtitleTrack(tools, { path, video: source, track, maxPixels, signal });
        if (cues.length > 0) return { artifact: await keep(cues), from: 'track' };
      }
      if (!transcription || !(await hasAudio(tools, path, maxPixels, signal))) return undefined;
      const cues = await fromSpeech(path, input, transcription, signal);
      return cues.length === 0 ? undefined : { artifact: await keep(cues), from: 'speech' };
    });
  }

  /** Piece by piece, each kept when it is there: pieces lie on a grid, so that other ranges of the same video find them. */
  async function fromSpeech(
    path: string,
    { source, range }: ReadTranscriptInput,
    api: TranscriptionSettings,
    signal: AbortSignal,
  ): Promise<readonly Cue[]> {
    const cues: Cue[] = [];
    const first = Math.floor(range.start / AUDIO_SECTION_SECONDS) * AUDIO_SECTION_SECONDS;
    for (let start = first; start < range.end; start += AUDIO_SECTION_SECONDS) {
      signal.throwIfAborted();
      const { url, model } = api;
      const name = transcriptName(
        await digest({ version: VERSION, speech: source.sha256, start, url, model }),
      );
      if ((await findJson(store, name)) === undefined) {
        const options = { maxPixels: deps.limits.maxPixels, signal };
        await putJson(
          store,
          name,
          await transcribeSection(tools, { path, video: source, start, api, ...options }),
        );
      }
      cues.push(...(await getJson<readonly Cue[]>(store, name)));
    }
    return cues;
  }

  async function keep(cues: readonly Cue[]): Promise<string> {
    return (await putJson(store, transcriptName(await digest({ version: VERSION, cues })), cues)).name;
  }
}
