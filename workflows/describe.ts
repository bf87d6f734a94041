/** From frames to captions, one model call per segment. */
import { isCancellation } from '@temporalio/workflow';
import { jobError } from '../schema/errors.ts';
import type { JobError, Progress } from '../schema/job.ts';
import type {
  DescribeOutput,
  FinishSegment,
  IngestOutput,
  SpokenWords,
  SummarizeInput,
  WordsRef,
} from '../schema/stages.ts';
import { type PlannedSegment, planSegments, videoRange } from '../summary/plan.ts';
import { frameAddress } from '../summary/stitch.ts';
import { gpu } from './activities.ts';
import { mapBounded } from './bounded.ts';
import type { ReadyFrame } from './extract.ts';
import { errorOf, failed } from './failures.ts';
import type { Journal } from './journal.ts';

/** Segments under way at once: enough to keep several GPU workers busy, few enough to be cancelled quickly. */
const DESCRIBE_AT_ONCE = 16;
/** Tokens set aside for the prompt's own words. */
const INSTRUCTION_TOKENS = 64;
/** Tokens around each picture: its label, line breaks and begin-of-text marks. */
const LABEL_TOKENS = 12;
/** Characters per token, for an upper bound of what a user's own words cost. */
const CHARACTERS_PER_TOKEN = 2;

/** A described segment, or a gap, and what its captions bring to the merging. */
export interface DescribedSegment {
  readonly outcome: FinishSegment;
  /** Captions that differ from the one before. */
  readonly lines: number;
  readonly firstCaption?: string;
  readonly lastCaption?: string;
}

export async function describe(
  frames: readonly ReadyFrame[],
  spoken: SpokenWords | undefined,
  { source, model }: IngestOutput,
  { jobId, request }: SummarizeInput,
  journal: Journal,
): Promise<readonly DescribedSegment[]> {
  const { prompt: focus, caption_prompt: instruction, chunk_duration: chunk } = request;
  const planned = planSegments(
    frames,
    {
      maxImages: model.maxImages,
      maxTokens: model.promptTokens,
      promptTokens:
        INSTRUCTION_TOKENS +
        (spoken || source.type === 'deck' ? model.wordTokens : 0) +
        Math.ceil(((focus?.length ?? 0) + (instruction?.length ?? 0)) / CHARACTERS_PER_TOKEN),
      tokensPerImage: model.tokens.captionPerImage + LABEL_TOKENS,
    },
    chunk === undefined ? undefined : { origin: request.start_time ?? 0, seconds: chunk },
  );
  const counts = { total: planned.length, done: 0, failed: 0 };
  journal.emit(
    { type: 'plan.ready', segments: planned.length, frames: frames.length },
    { stage: 'describe', percent: 30, segments: { ...counts } },
  );

  const began = Date.now();
  let firstError: JobError | undefined;
  const segments = await mapBounded(planned, DESCRIBE_AT_ONCE, async (segment): Promise<DescribedSegment> => {
    const own = frames.slice(segment.first, segment.last);
    const words = wordsOf(segment, own);
    try {
      const described = await gpu.describeSegment({
        model,
        crops: own.flatMap((frame) => (frame.placeholder ? [] : frame.crops)),
        ...(words ? { words } : {}),
        ...(focus === undefined ? {} : { focus }),
        ...(instruction === undefined ? {} : { instruction }),
      });
      counts.done += 1;
      journal.emit({ type: 'segment.completed', segment: shown(segment, described) }, describing());
      const { generation, lines, attempts, cached, gpuSeconds, visionCalls, rows, runtime } = described;
      const cost = { attempts, cached, gpuSeconds, visionCalls, rows, runtime };
      const said = described.captions.filter((caption) => caption !== '');
      return {
        outcome: { ...segment, generation, cost },
        lines,
        ...(said[0] === undefined ? {} : { firstCaption: said[0], lastCaption: said.at(-1) ?? said[0] }),
      };
    } catch (failure) {
      if (isCancellation(failure)) throw failure;
      // A poisoned segment is a gap in the result, not the end of the job.
      const error = errorOf(failure);
      firstError ??= error;
      counts.failed += 1;
      journal.emit({ type: 'segment.failed', segment: { index: segment.index }, error }, describing());
      return { outcome: { ...segment, reason: error.code }, lines: 0 };
    }
  });
  if (counts.done === 0)
    throw failed(firstError ?? jobError('no_frames', 'No segment of the source could be described.'));
  return segments;

  function describing(): Partial<Progress> {
    const share = (counts.done + counts.failed) / counts.total;
    const left = ((Date.now() - began) / 1000) * (1 / share - 1);
    return { segments: { ...counts }, percent: 30 + 55 * share, eta_seconds: Math.round(left) };
  }

  /** The words of a segment, where somebody will ask for them: a model that can use them, or a slide without a picture. */
  function wordsOf(segment: PlannedSegment, own: readonly ReadyFrame[]): WordsRef | undefined {
    const alone = own.some((frame) => frame.placeholder);
    if (!alone && model.wordTokens === 0) return undefined;
    if (source.type === 'deck') {
      const extractions = [...new Set(own.map((frame) => frame.extraction))];
      return { kind: 'slides', extractions, slides: own.flatMap(({ slide }) => slide ?? []) };
    }
    if (source.type !== 'video' || !spoken) return undefined;
    const range = videoRange(source, request);
    const start = segment.first === 0 ? range.start : (own[0]?.time ?? range.start);
    return { kind: 'speech', artifact: spoken.artifact, start, end: frames[segment.last]?.time ?? range.end };
  }

  function shown(segment: PlannedSegment, described: DescribeOutput) {
    const start = frames[segment.first]?.time;
    const end =
      frames[segment.last]?.time ??
      (source.type === 'video' ? Math.min(request.end_time ?? source.duration, source.duration) : undefined);
    return {
      index: segment.index,
      ...(start === undefined ? {} : { start_time: start }),
      ...(start === undefined || end === undefined ? {} : { end_time: end }),
      frames: frames.slice(segment.first, segment.last).map(({ time, slide }, offset) => ({
        index: segment.first + offset,
        ...(time === undefined ? {} : { time }),
        ...(slide === undefined ? {} : { slide }),
        caption: described.captions[offset] ?? '',
        image: frameAddress(jobId, segment.first + offset),
      })),
      cached: described.cached,
    };
  }
}
