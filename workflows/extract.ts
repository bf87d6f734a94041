/** From spans to frames that are ready for the model: extracted, chosen among where there are too many, preprocessed. */
import { workflowInfo } from '@temporalio/workflow';
import { jobError } from '../schema/errors.ts';
import type { Frame } from '../schema/source.ts';
import type { ExtractSpan, IngestOutput, SummarizeInput } from '../schema/stages.ts';
import { spendBudget } from '../summary/budget.ts';
import type { BudgetedFrame } from '../summary/plan.ts';
import { cpu } from './activities.ts';
import { mapBounded } from './bounded.ts';
import { failed } from './failures.ts';
import type { Journal } from './journal.ts';

/** Spans under way at once, over all CPU workers. */
const EXTRACT_AT_ONCE = 8;
/** Batches of frames preprocessed at once, and frames in one. */
const PREPROCESS_AT_ONCE = 8;
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
  maxFrames: number | undefined,
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
    done += 1;
    journal.emit(
      { type: 'frames.extracted', kept: frames.length, dropped },
      { percent: 5 + (20 * done) / spans.length },
    );
    return { extraction, frames: frames.map((frame) => ({ ...frame, extraction })), gaps };
  });
  const found = extracted.flatMap((span) => span.frames);
  if (found.length === 0)
    throw failed(jobError('no_frames', 'The requested range of the source shows no picture.'));
  const extractions = extracted.map((span) => span.extraction);
  // Before anything is described: readers of events look up frames by number.
  const budget = maxFrames === undefined ? {} : { maxFrames };
  await cpu.writeManifest({ jobId, run: workflowInfo().runId, extractions, ...budget });
  const worth = maxFrames === undefined ? undefined : spendBudget(found, maxFrames);
  const frames = worth === undefined ? found : found.filter((_, number) => worth.has(number));
  const gaps = extracted.reduce((sum, span) => sum + span.gaps, 0);
  return { frames: await preprocess(frames, model.crops), extractions, gaps };
}

type ExtractedFrame = Frame & Pick<ReadyFrame, 'extraction'>;

async function preprocess(frames: readonly ExtractedFrame[], crops: number): Promise<readonly ReadyFrame[]> {
  const batches: (readonly ExtractedFrame[])[] = [];
  for (let first = 0; first < frames.length; first += PREPROCESS_BATCH)
    batches.push(frames.slice(first, first + PREPROCESS_BATCH));
  const ready = await mapBounded(batches, PREPROCESS_AT_ONCE, async (batch) => {
    const pictures = await cpu.preprocessFrames({ frames: batch.map((frame) => frame.name), crops });
    return batch.flatMap((frame, index) => {
      const picture = pictures[index];
      return picture ? [{ ...frame, ...picture }] : [];
    });
  });
  return ready.flat();
}
