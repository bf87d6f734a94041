/**
 * Reads the transcript of a video: from the request, else from a subtitle track, else by speech recognition.
 */

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
import type { ArtifactInfo, ArtifactStore } from '../store/artifact-store.ts';
import { requestTranscriptName, transcriptName } from '../store/names.ts';
import {
  findJson,
  findSource,
  getJson,
  putJson,
  readStoredRequest,
  type SourceDeps,
  type SourceRef,
  withHeartbeat,
} from './lib/index.ts';

/** Part of the names of transcripts. Increase it when the same source would give other cues. */
const VERSION = 1;

export interface TranscriptDeps extends SourceDeps {
  readonly tools: MediaTools;
  readonly limits: SourceDeps['limits'] & { readonly maxPixels: number };
  /** The service that recognizes speech. Without it, speech is not recognized. */
  readonly transcription: TranscriptionSettings | undefined;
}

export function createReadTranscript(deps: TranscriptDeps): CpuActivities['readTranscript'] {
  const { store, tools, transcription } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const { request, hasTranscript } = await readStoredRequest(store, input.jobId);
      if (hasTranscript) return { transcript: await fromRequest(input.jobId) };
      const subtitles = request.source.type === 'video' ? request.source.subtitles : undefined;
      const transcript = subtitles ? await fromFile(subtitles, signal) : await fromVideo(input, signal);
      return transcript ? { transcript } : {};
    });

  /**
   * The transcript in the request itself. Its cues are an artifact of the job, so that deleting the job
   * deletes the text.
   */
  async function fromRequest(jobId: string): Promise<TranscriptRef> {
    const info = await store.head(requestTranscriptName(jobId, 'sent'));
    if (!info)
      throw new FrameloomError('source_missing', 'The transcript has expired. Send the request again.');
    const artifact = requestTranscriptName(jobId, 'cues.json');
    await putJson(store, artifact, await readCues(store, info));
    return { artifact, from: 'request' };
  }

  /** A subtitle file that the request refers to. */
  async function fromFile(subtitles: SourceRef, signal: AbortSignal): Promise<TranscriptRef> {
    const cues = await readCues(store, await findSource(deps, subtitles, signal));
    return { artifact: await storeCues(store, cues), from: 'request' };
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
        if (cues.length > 0) return { artifact: await storeCues(store, cues), from: 'track' };
      }
      if (!transcription || !(await hasAudio(tools, path, maxPixels, signal))) return undefined;
      const cues = await fromSpeech(path, input, transcription, signal);
      return cues.length === 0 ? undefined : { artifact: await storeCues(store, cues), from: 'speech' };
    });
  }

  /**
   * Section by section, each stored at once. Sections lie on a grid, so that other ranges of the same video
   * find them.
   */
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
}

/** Parses a stored transcript. @throws FrameloomError `media_too_large`. */
async function readCues(store: ArtifactStore, { name, bytes }: ArtifactInfo): Promise<readonly Cue[]> {
  if (bytes > MAX_TRANSCRIPT_BYTES)
    throw new FrameloomError('media_too_large', 'The transcript is too large.');
  return parseTranscript(await store.bytes(name));
}

/** Stores cues under their hash. Returns the name of the artifact. */
async function storeCues(store: ArtifactStore, cues: readonly Cue[]): Promise<string> {
  return (await putJson(store, transcriptName(await digest({ version: VERSION, cues })), cues)).name;
}
