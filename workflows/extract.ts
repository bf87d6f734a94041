/** From spans to frames that are ready for the model. */
import { workflowInfo } from '@temporalio/workflow';
import { jobError } from '../schema/errors.ts';
import type { ExtractSpan, IngestOutput, SummarizeInput } from '../schema/stages.ts';
import type { BudgetedFrame } from '../summary/plan.ts';
import { cpu } from './activities.ts';
import { mapBounded } from './bounded.ts';
import { failed } from './failures.ts';
import type { Journal } from './journal.ts';

/** Spans under way at once, over all CPU workers. */
const EXTRACT_AT_ONCE = 8;
/** Frames preprocessed by one activity. */
const PREPROCESS_BATCH = 16;

/** A frame, the artifact of its preprocessed picture, and what it costs in a prompt. */
export interface ReadyFrame extends BudgetedFrame {
  readonly crops: string;
  /** Artifact of the extraction it comes from. */
  readonly extraction: string;
}

export interface Extracted {
  readonly frames: readonly ReadyFrame[];
  /** Artifacts of the extractions, in order. */
  readonly extractions: readonly string[];
  /** Slides whose picture is missing. */
  readonly gaps: number;
}

export async function extract(
  spans: readonly ExtractSpan[],
  { source, artifact, deck, model }: IngestOutput,
  { jobId }: SummarizeInput,
  journal: Journal,
): Promise<Extracted> {
  let done = 0;
  const extracted = await mapBounded(spans, EXTRACT_AT_ONCE, async (span) => {
    const { extraction, frames, dropped, gaps } = await cpu.extractFrames({
      source,
      artifact,
      span,
      crops: model.crops,
      ...(deck ? { deck } : {}),
    });
    const ready: ReadyFrame[] = [];
    for (let first = 0; first < frames.length; first += PREPROCESS_BATCH) {
      const batch = frames.slice(first, first + PREPROCESS_BATCH);
      const pictures = await cpu.preprocessFrames({
        frames: batch.map((frame) => frame.name),
        crops: model.crops,
      });
      for (const [index, frame] of batch.entries()) {
        const picture = pictures[index];
        if (picture) ready.push({ ...frame, ...picture, extraction });
      }
    }
    done += 1;
    journal.emit(
      { type: 'frames.extracted', kept: frames.length, dropped },
      { percent: 5 + (25 * done) / spans.length },
    );
    return { extraction, ready, gaps };
  });
  const frames = extracted.flatMap((span) => span.ready);
  if (frames.length === 0)
    throw failed(jobError('no_frames', 'The requested range of the source shows no picture.'));
  const extractions = extracted.map((span) => span.extraction);
  // Before anything is described: readers of events look up frames by number.
  await cpu.writeManifest({ jobId, run: workflowInfo().runId, extractions });
  const gaps = extracted.reduce((sum, span) => sum + span.gaps, 0);
  return { frames, extractions, gaps };
}
