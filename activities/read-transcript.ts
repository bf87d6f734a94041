/**
 * Reads the transcript of a video: from the request, else from a subtitle track, else by speech recognition.
 */

import type { TranscriptionSettings } from '../config/settings.ts';
import { digest } from '../core/canonical-json.ts';
import { FrameloomError } from '../core/errors.ts';
import {
  chooseAudio,
  chooseSubtitles,
  MAX_TRANSCRIPT_BYTES,
  type MediaTools,
  type ParsedTranscript,
  readSubtitleTrack,
  readTranscript,
} from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { SummaryRequest } from '../schema/request.ts';
import type { Cue, SourceTrack } from '../schema/source.ts';
import type { ReadTranscriptInput, TranscriptGap, TranscriptRef } from '../schema/stages.ts';
import type { TextEncoding } from '../schema/text-encodings.ts';
import type { ArtifactInfo, ArtifactStore } from '../store/artifact-store.ts';
import { requestTranscriptName, transcriptName } from '../store/names.ts';
import {
  attachTexts,
  findSource,
  putJson,
  readStoredRequest,
  recognizeSpeech,
  type SourceDeps,
  TRANSCRIPT_VERSION,
  withHeartbeat,
} from './lib/index.ts';

export interface TranscriptDeps extends SourceDeps {
  readonly tools: MediaTools;
  readonly limits: SourceDeps['limits'] & { readonly maxPixels: number };
  /** The service that recognizes speech. Without it, speech is not recognized. */
  readonly transcription: TranscriptionSettings | undefined;
}

type VideoSource = Extract<SummaryRequest['source'], { readonly type: 'video' }>;

export function createReadTranscript(deps: TranscriptDeps): CpuActivities['readTranscript'] {
  const { store, tools, transcription } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const { request, hasTranscript } = await readStoredRequest(store, input.jobId);
      if (hasTranscript) return { transcript: await fromRequest(input.jobId, signal) };
      const { source } = request;
      if (source.type !== 'video') return {};
      const transcript = source.subtitles
        ? await fromFile(source.subtitles, signal)
        : await fromVideo(
            { ...input, source: await attachTexts(store, input.jobId, input.source) },
            source.tracks,
            signal,
          );
      return transcript ? { transcript } : {};
    });

  /**
   * The transcript in the request itself. Its cues are an artifact of the job, so that deleting the job
   * deletes the text.
   */
  async function fromRequest(jobId: string, signal: AbortSignal): Promise<TranscriptRef> {
    const info = await store.head(requestTranscriptName(jobId, 'sent'));
    if (!info)
      throw new FrameloomError('source_missing', 'The transcript has expired. Send the request again.');
    const artifact = requestTranscriptName(jobId, 'cues.json');
    const { cues, skipped } = await parseStored(store, info, { signal });
    await putJson(store, artifact, cues);
    return { artifact, from: 'request', skipped };
  }

  /** A subtitle file that the request refers to. */
  async function fromFile(
    subtitles: NonNullable<VideoSource['subtitles']>,
    signal: AbortSignal,
  ): Promise<TranscriptRef> {
    const file = await findSource(deps, subtitles, signal);
    const { cues, skipped, encoding } = await parseStored(store, file, {
      encoding: subtitles.encoding,
      signal,
    });
    const stored = await storeCues(store, cues);
    return { ...stored, from: 'request', skipped, ...(encoding === undefined ? {} : { encoding }) };
  }

  async function fromVideo(
    input: ReadTranscriptInput,
    wanted: VideoSource['tracks'],
    signal: AbortSignal,
  ): Promise<TranscriptRef | undefined> {
    const { source, range } = input;
    const audio = chooseAudio(source, wanted?.audio);
    const { full, partial } = chooseSubtitles(source, { audio, wanted: wanted?.subtitles });
    const isNamed = wanted?.subtitles !== undefined;
    const gaps: TranscriptGap[] = [];
    const fromFirst = async (
      path: string,
      tracks: readonly SourceTrack[],
    ): Promise<TranscriptRef | undefined> => {
      for (const track of tracks) {
        const { maxPixels } = deps.limits;
        const reading = readSubtitleTrack(tools, { path, video: source, track, maxPixels, signal });
        const found = await reading.catch((error: unknown) => {
          if (isNamed || !(error instanceof FrameloomError) || error.retryable) throw error;
          gaps.push({ ...range, reason: error.code, attempts: 1 });
          return undefined;
        });
        if (!found || (found.cues.length === 0 && !isNamed)) continue;
        const { cues, skipped } = found;
        return { ...(await storeCues(store, cues)), from: 'track', stream: track.index, skipped };
      }
      return undefined;
    };
    return store.withFile(input.artifact, async (path) => {
      const subtitles = await fromFirst(path, full);
      if (subtitles) return subtitles;
      if (transcription && audio) {
        const speech = await recognizeSpeech(deps, { ...input, path, audio, api: transcription, signal });
        if (speech.cues.length === 0 && speech.gaps.length === 0 && partial.length === 0) return undefined;
        if (speech.cues.length > 0 || speech.gaps.length > 0) {
          const { cues, ...counts } = speech;
          return { ...(await storeCues(store, cues)), from: 'speech', stream: audio.index, ...counts };
        }
      }
      const found = await fromFirst(path, partial);
      if (found || gaps.length === 0) return found;
      return { ...(await storeCues(store, [])), from: 'track', skipped: {}, gaps: gaps.slice(0, 1) };
    });
  }
}

/** Parses a stored transcript. @throws FrameloomError `media_too_large`. */
async function parseStored(
  store: ArtifactStore,
  { name, bytes }: ArtifactInfo,
  options: { readonly encoding?: TextEncoding | undefined; readonly signal: AbortSignal },
): Promise<ParsedTranscript> {
  if (bytes > MAX_TRANSCRIPT_BYTES)
    throw new FrameloomError('media_too_large', 'The transcript is too large.');
  return readTranscript(await store.bytes(name), options);
}

/** Stores cues under their hash. */
async function storeCues(
  store: ArtifactStore,
  cues: readonly Cue[],
): Promise<Pick<TranscriptRef, 'artifact'>> {
  const name = transcriptName(await digest({ version: TRANSCRIPT_VERSION, cues }));
  return { artifact: (await putJson(store, name, cues)).name };
}
