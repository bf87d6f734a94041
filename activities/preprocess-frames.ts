/** Preprocesses each frame for the model: the HD transform, as 8-bit RGB. */
import { Context } from '@temporalio/activity';
import { readImage } from '../media/index.ts';
import { encodePaddedImage, hdTransform } from '../phi3v/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { PlanShard } from '../schema/shards.ts';
import type { PreprocessFailure } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { createShardReader, permanentErrorOf, withHeartbeat } from './lib/index.ts';

export function createPreprocessFrames(deps: {
  readonly store: ArtifactStore;
  readonly limits: { readonly maxPixels: number };
}): CpuActivities['preprocessFrames'] {
  const { store, limits } = deps;
  const readPlan = createShardReader<PlanShard>(store);

  return ({ shard, from, to, ...ref }) =>
    withHeartbeat(async (signal) => {
      const plan = await readPlan(ref, 'segments', shard);
      const { attempt } = Context.current().info;
      const failures: PreprocessFailure[] = [];
      for (const [offset, segment] of plan.segments.slice(from, to).entries()) {
        try {
          for (const { name, crops } of segment.frames) {
            signal.throwIfAborted();
            if (crops !== undefined) await preprocess(crops, name, plan.model.crops);
          }
        } catch (error) {
          // An error that no retry repairs fails this segment only.
          const final = signal.aborted ? undefined : permanentErrorOf(error);
          if (!final) throw error;
          failures.push({
            entry: from + offset,
            reason: final.code,
            message: final.message,
            attempts: attempt,
          });
        }
      }
      return { failures };
    });

  async function preprocess(name: string, frame: string, numCrops: number): Promise<void> {
    if ((await store.head(name)) !== undefined) return;
    const image = hdTransform(await readImage(await store.bytes(frame), limits), numCrops);
    await store.put(name, encodePaddedImage(image));
  }
}
