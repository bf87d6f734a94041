/** Stored image features. A retry, or another prompt for the same images, then needs no vision model. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../../core/canonical-json.ts';
import type { ImageFile } from '../../phi3v/index.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { featuresName } from '../../store/names.ts';
import { withFiles } from './artifacts.ts';

/** Called when the features of image `index` are in its file `saveFeaturesTo`. */
export type OnFeaturesSaved = (index: number) => void;

export interface FeatureCache {
  /**
   * Calls `use` with one file per name in `crops`, in the same order, for the model `revision`. The files
   * exist until `use` has settled. Throws StoreError where crops are missing, and what `use` throws.
   */
  withImages<T>(
    revision: string,
    crops: readonly string[],
    use: (images: readonly ImageFile[], onFeaturesSaved: OnFeaturesSaved) => Promise<T>,
  ): Promise<T>;
}

/** Creates a cache that stores nothing: features stay in the memory of the model process only. */
export function createMemoryOnlyFeatureCache(store: ArtifactStore): FeatureCache {
  return {
    withImages: (revision, crops, use) =>
      withFiles(store, crops, (paths) =>
        use(
          paths.map((path, index) => ({ key: memoryKey(store, `${revision}/${crops[index]}`), path })),
          () => undefined,
        ),
      ),
  };
}

/** The model process keeps the features of several tenants in memory, each under names of its own. */
function memoryKey({ scope }: ArtifactStore, name: string): string {
  return scope === undefined ? name : `${scope}/${name}`;
}

/** Creates a cache in `store`. `scratch` is the folder for features before they are stored. */
export function createStoredFeatureCache(store: ArtifactStore, scratch: string): FeatureCache {
  return {
    async withImages(revision, crops, use) {
      const names = await Promise.all(
        crops.map(async (image) => featuresName(image, await digest({ model: revision, image }))),
      );
      const heads = await Promise.all(names.map((name) => store.head(name)));
      const stored = names.filter((_, index) => heads[index] !== undefined);
      await mkdir(scratch, { recursive: true }); // it may have been removed while the worker was idle
      const folder = await mkdtemp(join(scratch, 'features-'));
      const uploads: Promise<unknown>[] = [];
      try {
        return await withFiles(store, [...crops, ...stored], (paths) => {
          const pathOf = new Map(stored.map((name, index) => [name, paths[crops.length + index]]));
          const images = names.map((name, index): ImageFile => {
            const key = memoryKey(store, name);
            const path = paths[index] ?? '';
            const featuresPath = pathOf.get(name);
            return featuresPath === undefined
              ? { key, path, saveFeaturesTo: join(folder, `${index}.bin`) }
              : { key, path, featuresPath };
          });
          return use(images, (index) => {
            const { saveFeaturesTo = '' } = images[index] ?? {};
            // A failed upload must not fail the generation: it only costs a retry the vision model.
            uploads.push(
              store.put(names[index] ?? '', createReadStream(saveFeaturesTo)).catch(() => undefined),
            );
          });
        });
      } finally {
        await Promise.all(uploads);
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
