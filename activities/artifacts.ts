/** How activities write what they made: JSON in one form, pictures and features as plain bytes behind a small header. */
import type { PaddedImage } from '../phi3v/index.ts';
import { canonicalJson } from '../schema/canonical.ts';
import type { ArtifactInfo, ArtifactStore } from '../store/artifact-store.ts';

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

const HEADER = 12;

/** A preprocessed picture: width, height and num_crops as little-endian uint32, then packed RGB rows. */
export function encodeCrops(image: PaddedImage): Uint8Array {
  const bytes = new Uint8Array(HEADER + image.data.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, image.width, true);
  view.setUint32(4, image.height, true);
  view.setUint32(8, image.numCrops, true);
  bytes.set(image.data, HEADER);
  return bytes;
}

export function decodeCrops(bytes: Uint8Array): PaddedImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  return {
    width: view.getUint32(0, true),
    height: view.getUint32(4, true),
    numCrops: view.getUint32(8, true),
    data: bytes.subarray(HEADER),
  };
}
