/** How activities write what they made, and hand it as files to programs and other processes. */
import { canonicalJson } from '../../core/canonical-json.ts';
import { requireVersion, type Versioned } from '../../schema/versioned.ts';
import type { ArtifactInfo, ArtifactStore } from '../../store/artifact-store.ts';

/** Publishes `value` as canonical JSON: the same value gives the same bytes. */
export function putJson(store: ArtifactStore, name: string, value: unknown): Promise<ArtifactInfo> {
  return store.put(name, new TextEncoder().encode(canonicalJson(value)));
}

/** Reads what `putJson` wrote. The caller names the type: only our own activities write these artifacts. */
export async function getJson<T>(store: ArtifactStore, name: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await store.bytes(name))) as T; // see above
}

/** Reads what `putJson` wrote, or undefined. */
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

/** How many artifacts are asked for at once. */
const HEADS_AT_ONCE = 16;

/**
 * Whether all these artifacts are there. An artifact that names others is found only with them: asking renews them too, so that they
 * stay as long as what names them.
 */
export async function allExist(store: ArtifactStore, names: readonly string[]): Promise<boolean> {
  for (let at = 0; at < names.length; at += HEADS_AT_ONCE) {
    const heads = await Promise.all(names.slice(at, at + HEADS_AT_ONCE).map((name) => store.head(name)));
    if (heads.some((head) => head === undefined)) return false;
  }
  return true;
}

/** Calls `use` with local paths of several artifacts, in the same order. They are good until it is done. */
export async function withFiles<T>(
  store: ArtifactStore,
  names: readonly string[],
  use: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const [name, ...rest] = names;
  if (name === undefined) return use([]);
  return store.withFile(name, (path) => withFiles(store, rest, (paths) => use([path, ...paths])));
}
