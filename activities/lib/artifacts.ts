/** JSON artifacts, and artifacts as local files for programs and other processes. */
import { canonicalJson } from '../../core/canonical-json.ts';
import { requireVersion, type Versioned } from '../../schema/versioned.ts';
import type { ArtifactInfo, ArtifactStore } from '../../store/artifact-store.ts';

/** Stores `value` as canonical JSON: equal values have equal bytes. */
export function putJson(store: ArtifactStore, name: string, value: unknown): Promise<ArtifactInfo> {
  return store.put(name, new TextEncoder().encode(canonicalJson(value)));
}

/** Reads what `putJson` stored. The caller states the type; only activities write these artifacts. */
export async function getJson<T>(store: ArtifactStore, name: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await store.bytes(name))) as T; // see above
}

/** Reads what `putJson` stored. Returns undefined if there is no such artifact. */
export async function findJson<T>(store: ArtifactStore, name: string): Promise<T | undefined> {
  return (await store.head(name)) === undefined ? undefined : getJson<T>(store, name);
}

/**
 * Reads an artifact that has a version.
 *
 * @throws StoreError
 * @throws FrameloomError `unavailable` if the artifact has another version.
 */
export async function getVersioned<T extends Versioned>(
  store: ArtifactStore,
  name: string,
  version: number,
): Promise<T> {
  return requireVersion<T>(await getJson<unknown>(store, name), version, name);
}

/** Reads an artifact that has a version, or returns undefined. Throws as `getVersioned`. */
export async function findVersioned<T extends Versioned>(
  store: ArtifactStore,
  name: string,
  version: number,
): Promise<T | undefined> {
  return (await store.head(name)) === undefined ? undefined : getVersioned<T>(store, name, version);
}

/** Concurrent head requests. */
const MAX_CONCURRENT_HEADS = 16;

/**
 * Returns whether all these artifacts exist. The check renews their lifetime, so that artifacts stay as long
 * as the artifact that refers to them.
 */
export async function allExist(store: ArtifactStore, names: readonly string[]): Promise<boolean> {
  for (let at = 0; at < names.length; at += MAX_CONCURRENT_HEADS) {
    const heads = await Promise.all(
      names.slice(at, at + MAX_CONCURRENT_HEADS).map((name) => store.head(name)),
    );
    if (heads.some((head) => head === undefined)) return false;
  }
  return true;
}

/**
 * Calls `use` with local paths of several artifacts, in the same order. The paths are valid until `use`
 * settles.
 */
export async function withFiles<T>(
  store: ArtifactStore,
  names: readonly string[],
  use: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const [name, ...rest] = names;
  if (name === undefined) return use([]);
  return store.withFile(name, (path) => withFiles(store, rest, (paths) => use([path, ...paths])));
}
