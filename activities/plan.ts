/**
 * Plans a job: applies the frame budget, stores frames.jsonl with every decision of the sampler and of the
 * budget in order, and groups the frames into segments.
 */
import { countImageTokens, hdTransformSize } from '../phi3v/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { ModelPlan } from '../schema/model-plan.ts';
import type { SummaryRequest } from '../schema/request.ts';
import {
  ENTRIES_PER_SHARD,
  type PlanSegment,
  type PlanShard,
  type SegmentTextRef,
} from '../schema/shards.ts';
import type { Frame, FrameDecision } from '../schema/source.ts';
import type { PlanInput, PlanOutput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { jobArtifact } from '../store/names.ts';
import {
  type BudgetedFrame,
  type PlannedSegment,
  planSegments,
  type SegmentBudget,
  videoRange,
} from '../summary/plan.ts';
import {
  cropsOf,
  extractionsOf,
  type JobFrames,
  putShard,
  readJobFrames,
  readRequest,
  withHeartbeat,
} from './lib/index.ts';

/** Tokens of the instruction of a caption prompt. */
const INSTRUCTION_TOKENS = 64;
/** Tokens around each image: its label, line breaks and begin-of-text marks. */
const LABEL_TOKENS = 12;
/** Characters per token, for an upper bound of the tokens of the client's prompts. */
const CHARACTERS_PER_TOKEN = 2;

export function createPlan({ store }: { readonly store: ArtifactStore }): CpuActivities['plan'] {
  return (input) =>
    withHeartbeat(async (signal) => {
      const { jobId, run, model, source } = input;
      const request = await readRequest(store, jobId);
      const job = { ...input, request };
      const extractions = await extractionsOf(store, input, input.extractions);
      const decisions: (readonly FrameDecision[])[] = [];
      const found = await readJobFrames(store, extractions, input.maxFrames, (extraction) =>
        decisions.push(extraction.decisions),
      );
      // Before any segment is described, because readers of events look up frames by number.
      await store.put(jobArtifact(jobId, run, 'frames.jsonl'), manifest(decisions, found));
      const { frames } = found;
      const chunk = request.chunk_duration;
      const costs = frames.map((frame) => ({ ...frame, imageTokens: frameTokens(frame, model) }));
      const planned = planSegments(
        costs,
        segmentBudget(job),
        chunk === undefined ? undefined : { origin: request.start_time ?? 0, seconds: chunk },
      );
      const end = source.type === 'video' ? videoRange(source, request).end : undefined;
      for (let shard = 0; shard * ENTRIES_PER_SHARD < planned.length; shard += 1) {
        signal.throwIfAborted();
        const segments: PlanSegment[] = [];
        for (const segment of planned.slice(shard * ENTRIES_PER_SHARD, (shard + 1) * ENTRIES_PER_SHARD))
          segments.push(await planSegment(segment, job, found, end));
        await putShard(store, input, 'segments', shard, {
          ...promptContextOf(job),
          segments,
        } satisfies PlanShard);
      }
      return {
        segments: planned.length,
        frames: frames.length,
        maxSegmentTokens: maxSegmentTokens(planned, costs, job),
      };
    });
}

/** Yields the lines of frames.jsonl, one block for each extraction. */
async function* manifest(
  decisions: readonly (readonly FrameDecision[])[],
  { isUsed }: JobFrames,
): AsyncGenerator<Uint8Array> {
  let number = 0;
  for (const group of decisions) {
    const final = group.map((decision) => {
      if (!decision.kept || isUsed(number++)) return decision;
      const { name: _image, ...rest } = decision;
      return { ...rest, kept: false, reason: 'budget' } satisfies FrameDecision;
    });
    yield new TextEncoder().encode(final.map((decision) => `${JSON.stringify(decision)}\n`).join(''));
  }
}

/** The input of `plan` and the request of its job. */
type PlannedJob = PlanInput & { readonly request: SummaryRequest };

/** Number of tokens of a frame in a prompt. */
export function frameTokens({ width, height }: Frame, { crops }: ModelPlan): number {
  const size = hdTransformSize(width, height, crops);
  return countImageTokens(size.height, size.width);
}

/** Upper bound of the tokens of one segment. */
function maxSegmentTokens(
  planned: readonly PlannedSegment[],
  frames: readonly BudgetedFrame[],
  input: PlannedJob,
): NonNullable<PlanOutput['maxSegmentTokens']> {
  const { promptTokens } = segmentBudget(input);
  const tokensPerCaption = input.model.tokens.captionPerImage;
  let [inputTokens, outputTokens] = [0, 0];
  for (const { first, last } of planned) {
    const imageTokens = frames
      .slice(first, last)
      .reduce((sum, frame) => sum + frame.imageTokens + LABEL_TOKENS, 0);
    inputTokens = Math.max(inputTokens, promptTokens + imageTokens);
    outputTokens = Math.max(outputTokens, (last - first) * tokensPerCaption);
  }
  return { inputTokens, outputTokens };
}

export function segmentBudget({
  model,
  source,
  transcript,
  request,
}: Pick<PlannedJob, 'model' | 'source' | 'transcript' | 'request'>): SegmentBudget {
  const { prompt, caption_prompt: instruction } = request;
  const own = (prompt?.length ?? 0) + (instruction?.length ?? 0);
  return {
    maxImages: model.maxImages,
    maxTokens: model.promptTokens,
    promptTokens:
      INSTRUCTION_TOKENS +
      (transcript || source.type === 'deck' ? model.maxQuotedTokens : 0) +
      Math.ceil(own / CHARACTERS_PER_TOKEN),
    tokensPerImage: model.tokens.captionPerImage + LABEL_TOKENS,
  };
}

function promptContextOf({ model, request }: PlannedJob): Omit<PlanShard, 'segments'> {
  const { prompt: focus, caption_prompt: instruction } = request;
  return {
    model,
    ...(focus === undefined ? {} : { focus }),
    ...(instruction === undefined ? {} : { instruction }),
  };
}

async function planSegment(
  segment: PlannedSegment,
  input: PlannedJob,
  { frames, extractionOf }: JobFrames,
  end: number | undefined,
): Promise<PlanSegment> {
  const own = frames.slice(segment.first, segment.last);
  const start = own[0]?.time;
  const stop = frames[segment.last]?.time ?? end;
  const text = textOf();
  return {
    index: segment.index,
    first: segment.first,
    frames: await Promise.all(own.map((frame) => planFrame(frame, input.model.crops))),
    ...(start === undefined ? {} : { start_time: start }),
    ...(start === undefined || stop === undefined ? {} : { end_time: stop }),
    ...(text ? { text } : {}),
  };

  /**
   * Refers to the text of a segment if it is used: by a model that follows instructions, or for a slide
   * without an image.
   */
  function textOf(): SegmentTextRef | undefined {
    const { source, request, model } = input;
    const hasPlaceholder = own.some((frame) => frame.placeholder);
    if (!hasPlaceholder && model.maxQuotedTokens === 0) return undefined;
    if (source.type === 'deck') {
      const extractions = new Set(own.map((_, offset) => extractionOf(segment.first + offset)));
      return {
        kind: 'slides',
        extractions: [...extractions],
        slides: own.flatMap(({ slide }) => slide ?? []),
      };
    }
    if (source.type !== 'video' || !input.transcript) return undefined;
    const range = videoRange(source, request);
    return {
      kind: 'speech',
      artifact: input.transcript.artifact,
      // Speech before the first frame belongs to the first segment.
      start: segment.first === 0 ? range.start : (start ?? range.start),
      end: stop ?? range.end,
    };
  }
}

async function planFrame(frame: Frame, crops: number): Promise<PlanSegment['frames'][number]> {
  const { name, time, slide, placeholder } = frame;
  return {
    name,
    ...(placeholder ? {} : { crops: await cropsOf(name, crops) }),
    ...(time === undefined ? {} : { time }),
    ...(slide === undefined ? {} : { slide }),
  };
}
