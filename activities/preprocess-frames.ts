/** Makes the model's picture of each frame: the HD transform of the runtime, as 8-bit RGB. */
import { readImage } from '../media/index.ts';
import { decodePadded, encodePadded, hdTransform, imageTokens } from '../phi3v/index.ts';
import { digest } from '../schema/canonical.ts';
import type { CpuActivities } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { cropsName } from '../store/names.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Part of the name of every preprocessed picture: raise it when the same frame would give other pixels. */
const PREPROCESS_VERSION = 1;

export function createPreprocessFrames(deps: {
  readonly store: ArtifactStore;
  readonly limits: { readonly maxPixels: number };
}): CpuActivities['preprocessFrames'] {
  const { store, limits } = deps;
  return ({ frames, crops: numCrops }) =>
    withHeartbeat(async (signal) => {
      const made: { crops: string; imageTokens: number }[] = [];
      for (const frame of frames) {
        signal.throwIfAborted();
        const name = cropsName(await digest({ version: PREPROCESS_VERSION, frame, numCrops }));
        const size = (await sizeOf(name)) ?? (await make(name, frame, numCrops));
        made.push({ crops: name, imageTokens: imageTokens(size.height, size.width) });
      }
      return made;
    });

  async function sizeOf(
    name: string,
  ): Promise<{ readonly width: number; readonly height: number } | undefined> {
    if ((await store.head(name)) === undefined) return undefined;
    return decodePadded(await store.bytes(name));
  }

  async function make(
    name: string,
    frame: string,
    numCrops: number,
  ): Promise<{ readonly width: number; readonly height: number }> {
    const image = hdTransform(await readImage(await store.bytes(frame), limits), numCrops);
    await store.put(name, encodePadded(image));
    return image;
  }
}
