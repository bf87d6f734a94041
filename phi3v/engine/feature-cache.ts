import type { ImageFeatures } from './features.ts';

/** Image features of the pictures seen last, the longest unused dropped first. */
export interface FeatureCache {
  get(key: string): ImageFeatures | undefined;
  set(key: string, features: ImageFeatures): void;
}

/** @param limit most bytes that it holds; a picture larger than that is not kept. */
export function createFeatureCache(limit: number): FeatureCache {
  // A Map keeps the order of insertion: the first one is the longest unused.
  const kept = new Map<string, ImageFeatures>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= kept.get(key)?.data.byteLength ?? 0;
    kept.delete(key);
  };
  return {
    get: (key) => {
      const found = kept.get(key);
      if (found !== undefined) {
        kept.delete(key);
        kept.set(key, found);
      }
      return found;
    },
    set: (key, features) => {
      drop(key);
      if (features.data.byteLength > limit) return;
      kept.set(key, features);
      bytes += features.data.byteLength;
      for (const oldest of kept.keys()) {
        if (bytes <= limit) break;
        drop(oldest);
      }
    },
  };
}
