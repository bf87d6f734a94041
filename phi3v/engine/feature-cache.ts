import type { ImageFeatures } from './features.ts';

/** Image features in memory. The least recently used ones are dropped first. */
export interface FeatureCache {
  get(key: string): ImageFeatures | undefined;
  set(key: string, features: ImageFeatures): void;
}

/** @param maxBytes limit for all features together; larger ones are not cached. */
export function createFeatureCache(maxBytes: number): FeatureCache {
  // A Map iterates in the order of insertion: the first entry is the least recently used one.
  const entries = new Map<string, ImageFeatures>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= entries.get(key)?.data.byteLength ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const features = entries.get(key);
      if (features !== undefined) {
        entries.delete(key);
        entries.set(key, features);
      }
      return features;
    },
    set: (key, features) => {
      drop(key);
      if (features.data.byteLength > maxBytes) return;
      entries.set(key, features);
      bytes += features.data.byteLength;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}
