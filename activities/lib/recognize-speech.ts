/** Recognizes the speech of a video section by section. Each section is stored at once. */
import { Context } from '@temporalio/activity';
import type { TranscriptionSettings } from '../../config/settings.ts';
import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import {
  AUDIO_SECTION_SECONDS,
  type MediaTools,
  type PlacedCues,
  transcribeSection,
} from '../../media/index.ts';
import { SOURCE_ATTEMPTS } from '../../schema/activities.ts';
import type { Cue, SkippedCues, SourceTrack, VideoInfo } from '../../schema/source.ts';
import type { TranscriptGap } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { transcriptName } from '../../store/names.ts';
import { findJson, putJson } from './artifacts.ts';

/** Part of the names of transcripts. Increase it when the same source would give other cues. */
export const TRANSCRIPT_VERSION = 3;

interface SpeechDeps {
  readonly store: ArtifactStore;
  readonly tools: MediaTools;
  readonly limits: { readonly maxPixels: number };
}

export interface SpeechRequest {
  /** File of the video. */
  readonly path: string;
  readonly source: VideoInfo;
  readonly range: { readonly start: number; readonly end: number };
  readonly audio: SourceTrack;
  readonly api: TranscriptionSettings;
  readonly signal: AbortSignal;
}

export interface RecognizedSpeech extends PlacedCues {
  /** Sections without a transcript. */
  readonly gaps: readonly TranscriptGap[];
}

/** What a section costs the job that cannot be transcribed: its transcript, not the job. */
type Section = PlacedCues | { readonly gap: TranscriptGap };

/**
 * Sections lie on a grid, so that other ranges of the same video find them. A section that cannot be
 * transcribed is a gap, and is not sent again unless the job is retried.
 *
 * @throws FrameloomError `transcription_rejected`, and before the last attempt `transcription_failed`,
 *   `timeout`
 */
export async function recognizeSpeech(deps: SpeechDeps, request: SpeechRequest): Promise<RecognizedSpeech> {
  const { range, signal } = request;
  const cues: Cue[] = [];
  const gaps: TranscriptGap[] = [];
  const skipped: Record<string, number> = {};
  const first = Math.floor(range.start / AUDIO_SECTION_SECONDS) * AUDIO_SECTION_SECONDS;
  for (let start = first; start < range.end; start += AUDIO_SECTION_SECONDS) {
    signal.throwIfAborted();
    const section = await findOrRecognize(deps, request, start);
    if ('gap' in section) {
      gaps.push(section.gap);
      continue;
    }
    for (const cue of section.cues) cues.push(cue);
    for (const [reason, count] of Object.entries(section.skipped)) {
      skipped[reason] = (skipped[reason] ?? 0) + count;
    }
  }
  return { cues, gaps, skipped: skipped satisfies SkippedCues };
}

async function findOrRecognize(deps: SpeechDeps, request: SpeechRequest, start: number): Promise<Section> {
  const { store } = deps;
  const { source, audio, api } = request;
  const { workflowExecution } = Context.current().info;
  const { url, model } = api;
  const key = { version: TRANSCRIPT_VERSION, speech: source.sha256, track: audio.index, start, url, model };
  const name = transcriptName(await digest(key));
  // A gap holds for this run of the job. A retry of the job is a request to try again.
  const gapName = transcriptName(await digest({ ...key, gapOf: workflowExecution?.runId ?? '' }));
  const known = (await findJson<Section>(store, name)) ?? (await findJson<Section>(store, gapName));
  if (known !== undefined) return known;
  const section = await recognize(deps, request, start);
  await putJson(store, 'gap' in section ? gapName : name, section);
  return section;
}

async function recognize(
  { tools, limits }: SpeechDeps,
  { path, source, range, audio, api, signal }: SpeechRequest,
  start: number,
): Promise<Section> {
  const { maxPixels } = limits;
  try {
    const section = { path, video: source, audioTrack: audio.index, start, api, maxPixels, signal };
    return await transcribeSection(tools, section);
  } catch (error) {
    const { attempt } = Context.current().info;
    if (!(error instanceof FrameloomError) || !costsSectionOnly(error, attempt)) throw error;
    const end = Math.min(start + AUDIO_SECTION_SECONDS, range.end);
    return { gap: { start: Math.max(start, range.start), end, reason: error.code, attempts: attempt } };
  }
}

/** Wrong settings end the job, so that they are corrected; a service that is down costs the job no more. */
function costsSectionOnly({ code, retryable }: FrameloomError, attempt: number): boolean {
  if (code === 'transcription_failed' || code === 'timeout') return attempt >= SOURCE_ATTEMPTS;
  return !retryable && code !== 'transcription_rejected';
}
