/** Captions the pictures of one segment in one model call. */
import { Context } from '@temporalio/activity';
import type { ImageFeatures, ModelHost } from '../phi3v/index.ts';
import { digest } from '../schema/canonical.ts';
import type { GpuActivities, ModelPlan } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { featuresName } from '../store/names.ts';
import { collapse, parseCaptions } from '../summary/captions.ts';
import { captionPrompt, PROMPTS_VERSION } from '../summary/prompts.ts';
import { decodeCrops } from './artifacts.ts';
import { generateOnce } from './generation.ts';
import { withHeartbeat } from './heartbeat.ts';
import { type GpuDeps, requireModel } from './model.ts';

export function createDescribeSegment(deps: GpuDeps): GpuActivities['describeSegment'] {
  const { store, host } = deps;
  return ({ model, crops, focus, instruction }) =>
    withHeartbeat(async (signal) => {
      requireModel(deps, model);
      const user = { focus, instruction };
      const maxTokens = model.tokens.captionPerImage * crops.length;
      const identity = await digest({
        kind: 'caption',
        model: model.revision,
        prompts: PROMPTS_VERSION,
        user,
        crops,
        maxTokens,
      });
      const { name, artifact, cached, gpuSeconds } = await generateOnce(
        { store, host },
        identity,
        'caption',
        async () => ({
          prompt: captionPrompt(crops.length, user),
          features: await loadFeatures(store, host, model, crops, signal),
          maxTokens,
        }),
        (text) => parseCaptions(text, crops.length),
        signal,
      );
      return {
        generation: name,
        captions: artifact.lines,
        lines: collapse(artifact.lines).length,
        attempts: Context.current().info.attempt,
        cached,
        gpuSeconds,
        runtime: host.info.runtime,
      };
    });
}

/** Features of each picture, in order: found in the store or made and kept, so that a retry pays for the language model alone. */
async function loadFeatures(
  store: ArtifactStore,
  host: ModelHost,
  model: ModelPlan,
  crops: readonly string[],
  signal: AbortSignal,
): Promise<readonly ImageFeatures[]> {
  const { hiddenSize } = host.info;
  const features: ImageFeatures[] = [];
  for (const picture of crops) {
    const name = featuresName(await digest({ model: model.revision, picture }));
    if ((await store.head(name)) === undefined) {
      const made = await host.encodeImage(decodeCrops(await store.bytes(picture)), { signal });
      await store.put(name, new Uint8Array(made.data.buffer, made.data.byteOffset, made.data.byteLength));
    }
    const bytes = await store.bytes(name);
    const data = new Float32Array(bytes.slice().buffer);
    features.push({ data, tokens: data.length / hiddenSize, hiddenSize });
  }
  return features;
}
