/** Captions the pictures of one segment in one model call. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { digest } from '../core/canonical-json.ts';
import type { Generation, ImageFile } from '../phi3v/index.ts';
import type { GpuActivities } from '../schema/activities.ts';
import type { Cost } from '../schema/generation-cost.ts';
import type { ModelPlan } from '../schema/model-plan.ts';
import type { PlanSegment, PlanShard } from '../schema/shards.ts';
import type { DescribeSegmentOutput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { featuresName, generationName } from '../store/names.ts';
import { collapse, parseCaptions } from '../summary/captions.ts';
import { captionPrompt, PROMPTS_VERSION } from '../summary/prompts.ts';
import { quoteSlide } from '../summary/transcript.ts';
import {
  createShardReader,
  type GenerationArtifact,
  type GpuDeps,
  generateOnce,
  promptText,
  putJson,
  readSlideRecords,
  requirePlannedModel,
  withFiles,
  withHeartbeat,
} from './lib/index.ts';

export function createDescribeSegment(deps: GpuDeps): GpuActivities['describeSegment'] {
  const readPlan = createShardReader<PlanShard>(deps.store);
  return ({ shard, at, ...ref }) =>
    withHeartbeat(async (signal) => {
      const { model, focus, instruction, segments } = await readPlan(ref, 'segments', shard);
      const segment = segments[at];
      if (!segment) throw new TypeError(`shard ${shard} has no segment ${at}`);
      requirePlannedModel(deps, model);
      const crops = segment.frames.flatMap((frame) => frame.crops ?? []);
      if (crops.length === 0) return quote(deps.store, segment, deps.generator.info.runtime);
      const words = await promptText(deps.store, segment.text, model.maxQuotedTokens);
      const user = { focus, instruction };
      const maxTokens = model.tokens.captionPerImage * crops.length;
      const identity = await digest({
        kind: 'caption',
        model: model.revision,
        prompts: PROMPTS_VERSION,
        user,
        crops,
        maxTokens,
        words,
      });
      const { name, artifact, cached, gpuSeconds, visionCalls, rows } = await generateOnce(
        deps,
        identity,
        'caption',
        (generate) =>
          withImages(deps, model, crops, (images, onFeatures) =>
            generate({ prompt: captionPrompt(crops.length, user, words), images, maxTokens }, onFeatures),
          ),
        (text) => parseCaptions(text, crops.length),
        signal,
      );
      const { inputTokens, outputTokens } = artifact.usage;
      const { runtime } = deps.generator.info;
      const cost = { cached, gpuSeconds, visionCalls, rows, runtime, inputTokens, outputTokens };
      return outputOf(name, artifact.lines, cost);
    });
}

/** Slides without pictures are described by their own words; no model is asked. */
async function quote(
  store: ArtifactStore,
  { text }: PlanSegment,
  runtime: string,
): Promise<DescribeSegmentOutput> {
  const slides = text?.kind === 'slides' ? await readSlideRecords(store, text) : [];
  const captions = slides.map((slide) => (slide ? quoteSlide(slide) : ''));
  const generation = generationName(await digest({ kind: 'quote', captions }));
  const artifact: GenerationArtifact = {
    kind: 'caption',
    text: captions.join('\n'),
    lines: captions,
    finishReason: 'stop',
    usage: { imageTokens: 0, inputTokens: 0, outputTokens: 0 },
  };
  await putJson(store, generation, artifact);
  return outputOf(generation, captions, { cached: false, gpuSeconds: 0, visionCalls: 0, rows: 0, runtime });
}

/** What merging needs to know of the captions, without the captions. */
async function outputOf(
  generation: string,
  captions: readonly string[],
  cost: Omit<Cost, 'attempts'>,
): Promise<DescribeSegmentOutput> {
  const lines = collapse(captions);
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

/**
 * Calls `use` with the pictures as the model wants them. Features that are in the store go along; where they have to be made
 * they are kept as soon as they are there, so that a retry pays for the language model alone.
 */
async function withImages(
  { store, scratch, keepFeatures }: GpuDeps,
  model: ModelPlan,
  crops: readonly string[],
  use: (images: readonly ImageFile[], onFeatures: (index: number) => void) => Promise<Generation>,
): Promise<Generation> {
  if (!keepFeatures) {
    return withFiles(store, crops, (paths) =>
      use(
        paths.map((path, i) => ({ key: `${model.revision}/${crops[i]}`, path })),
        () => {},
      ),
    );
  }
  const names = await Promise.all(
    crops.map(async (picture) => featuresName(await digest({ model: model.revision, picture }))),
  );
  const found = await Promise.all(names.map(async (name) => (await store.head(name)) !== undefined));
  await mkdir(scratch, { recursive: true }); // swept away where the worker was idle for long
  const folder = await mkdtemp(join(scratch, 'features-'));
  const keeping: Promise<unknown>[] = [];
  try {
    return await withFiles(store, crops, (paths) =>
      withFiles(
        store,
        names.filter((_, i) => found[i]),
        async (features) => {
          let next = 0;
          const images = paths.map((path, i): ImageFile => {
            const key = names[i] ?? '';
            return found[i]
              ? { key, path, featuresPath: features[next++] }
              : { key, path, saveFeaturesTo: join(folder, `${i}.bin`) };
          });
          const keep = (index: number): void => {
            const { key = '', saveFeaturesTo: path = '' } = images[index] ?? {};
            // Features that cannot be kept cost a retry some time, not this attempt its work.
            keeping.push(store.put(key, createReadStream(path)).catch(() => undefined));
          };
          return use(images, keep);
        },
      ),
    );
  } finally {
    await Promise.all(keeping);
    await rm(folder, { recursive: true, force: true });
  }
}
