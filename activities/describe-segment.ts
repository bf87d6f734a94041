/** Captions the frames of one segment in one model call. */
import { Context } from '@temporalio/activity';
import { digest } from '../core/canonical-json.ts';
import type { GpuActivities } from '../schema/activities.ts';
import type { PlanSegment, PlanShard } from '../schema/shards.ts';
import type { DescribeSegmentOutput } from '../schema/stages.ts';
import type { GenerationStats } from '../schema/usage-cost.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { generationName } from '../store/names.ts';
import { parseCaptions, removeRepeats } from '../summary/captions.ts';
import { captionPrompt, PROMPTS_VERSION } from '../summary/prompts.ts';
import { quoteSlide } from '../summary/transcript.ts';
import {
  createShardReader,
  GENERATION_VERSION,
  type GenerationArtifact,
  type GpuContext,
  generateOnce,
  promptText,
  putJson,
  readSlideRecords,
  requirePlannedModel,
  withHeartbeat,
} from './lib/index.ts';

/**
 * Creates the activity. A finished generation of the same segment, model and prompt is found and not made
 * again.
 */
export function createDescribeSegment(deps: GpuContext): GpuActivities['describeSegment'] {
  const readPlan = createShardReader<PlanShard>(deps.store);
  return ({ shard, entry, ...ref }) =>
    withHeartbeat(async (signal) => {
      const { model, focus, instruction, segments } = await readPlan(ref, 'segments', shard);
      const segment = segments[entry];
      if (!segment) throw new TypeError(`shard ${shard} has no segment ${entry}`);
      requirePlannedModel(deps, model);
      const crops = segment.frames.flatMap((frame) => frame.crops ?? []);
      if (crops.length === 0) return quote(deps.store, segment, deps.generator.info.runtime);
      const text = await promptText(deps.store, segment.text, model.maxQuotedTokens);
      const user = { focus, instruction };
      const maxTokens = model.tokens.captionPerImage * crops.length;
      const identity = await digest({
        kind: 'caption',
        model: model.revision,
        version: GENERATION_VERSION,
        prompts: PROMPTS_VERSION,
        user,
        crops,
        maxTokens,
        text,
      });
      const { name, artifact, cached, gpuSeconds, visionCalls, rows } = await generateOnce(deps, {
        digest: identity,
        kind: 'caption',
        run: (generate) =>
          deps.featureCache.withImages(model.revision, crops, (images, onFeaturesSaved) =>
            generate({ prompt: captionPrompt(crops.length, user, text), images, maxTokens }, onFeaturesSaved),
          ),
        parse: (output) => parseCaptions(output, crops.length),
        signal,
      });
      const { inputTokens, outputTokens } = artifact.usage;
      const { runtime } = deps.generator.info;
      const cost = { cached, gpuSeconds, visionCalls, rows, runtime, inputTokens, outputTokens };
      return outputOf(name, artifact.lines, cost);
    });
}

/** Describes slides without images by their own text, without a model call. */
async function quote(
  store: ArtifactStore,
  { text }: PlanSegment,
  runtime: string,
): Promise<DescribeSegmentOutput> {
  const slides = text?.kind === 'slides' ? await readSlideRecords(store, text) : [];
  const captions = slides.map((slide) => (slide ? quoteSlide(slide) : ''));
  const generation = generationName(await digest({ kind: 'quote', version: GENERATION_VERSION, captions }));
  const artifact: GenerationArtifact = {
    version: GENERATION_VERSION,
    kind: 'caption',
    text: captions.join('\n'),
    lines: captions,
    finishReason: 'stop',
    usage: { imageTokens: 0, inputTokens: 0, outputTokens: 0 },
  };
  await putJson(store, generation, artifact);
  return outputOf(generation, captions, { cached: false, gpuSeconds: 0, visionCalls: 0, rows: 0, runtime });
}

/** What merging needs of the captions: their name, number and hashes, but not their text. */
async function outputOf(
  generation: string,
  captions: readonly string[],
  cost: Omit<GenerationStats, 'attempts'>,
): Promise<DescribeSegmentOutput> {
  const lines = removeRepeats(captions);
  const [first, last] = [lines[0], lines.at(-1)];
  const hashes =
    first === undefined || last === undefined
      ? {}
      : { firstCaptionHash: await hashOf(first), lastCaptionHash: await hashOf(last) };
  const { attempt } = Context.current().info;
  return { generation, distinctCaptions: lines.length, ...hashes, attempts: attempt, ...cost };
}

async function hashOf(caption: string): Promise<string> {
  return (await digest(caption)).slice(0, 16);
}
