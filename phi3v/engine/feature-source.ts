/** Image features from memory, from a file, or from the vision graph. */
import { readFile, writeFile } from 'node:fs/promises';
import type { FloatType } from '../../onnx/index.ts';
import { countImageTokens, type PaddedImage } from '../image/index.ts';
import { createFeatureCache } from './feature-cache.ts';
import type { ImageFeatures } from './features.ts';
import type { ImageFile } from './generator.ts';
import type { Graphs } from './graphs.ts';

/** Memory for image features: about thirty images of four crops of the real model. */
const CACHE_BYTES = 256 * 2 ** 20;

export interface FeatureSource {
  /**
   * Returns the features of an image.
   *
   * @param onEncoded called when the vision graph had to run, after the features were written to
   * `saveFeaturesTo`.
   */
  get(file: ImageFile, image: PaddedImage, onEncoded: () => void): Promise<ImageFeatures>;
}

export function createFeatureSource(graphs: Graphs, hiddenSize: number): FeatureSource {
  const cache = createFeatureCache(CACHE_BYTES);
  return {
    get: async (file, image, onEncoded) => {
      const known = cache.get(file.key) ?? (await readFeatures(file, image, hiddenSize, graphs.featureType));
      // Features that have a file are not cached as well: a long job would fill the memory for nothing.
      const hasFile = file.featuresPath !== undefined || file.saveFeaturesTo !== undefined;
      if (known !== undefined) {
        if (!hasFile) cache.set(file.key, known);
        return known;
      }
      const features = await graphs.encodeImage(image);
      if (!hasFile) cache.set(file.key, features);
      if (file.saveFeaturesTo !== undefined) {
        const { buffer, byteOffset, byteLength } = features.data;
        await writeFile(file.saveFeaturesTo, new Uint8Array(buffer, byteOffset, byteLength));
      }
      onEncoded();
      return features;
    },
  };
}

/** Features written by an earlier generation; undefined where there are none or the file is incomplete. */
async function readFeatures(
  { featuresPath }: ImageFile,
  { width, height }: PaddedImage,
  hiddenSize: number,
  type: FloatType,
): Promise<ImageFeatures | undefined> {
  if (featuresPath === undefined) return undefined;
  const bytes = await readFile(featuresPath).catch(() => undefined);
  const tokens = countImageTokens(height, width);
  const Floats = type === 'float32' ? Float32Array : Uint16Array;
  if (bytes?.byteLength !== tokens * hiddenSize * Floats.BYTES_PER_ELEMENT) return undefined;
  // Copied: a view needs an aligned offset, which the buffer of `readFile` may not have.
  return { data: new Floats(Uint8Array.from(bytes).buffer), tokens, hiddenSize };
}
