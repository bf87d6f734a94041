/**
 * Who needs an artifact. Content of a tenant is found instead of made again, so several jobs and files may
 * need one artifact. Each of these holders records its use before it looks for the artifact or writes it;
 * whoever is removed releases its uses, and an artifact goes with the last one.
 *
 * A use is two empty artifacts, to be found from either side. A remover announces itself before it looks for
 * other uses, and a finder records its use before it looks for removers: at least one of them sees the other.
 */
import { hex } from '../core/canonical-json.ts';
import { sleep } from '../core/sleep.ts';
import { type BlobStore, EXPIRY_SETTLE_MS, type StoredArtifact, StoreError } from './artifact-store.ts';
import { type ArtifactClass, classOf, fileName, requestName } from './names.ts';
import { blobView, isScoped } from './tenant-view.ts';

/** Artifacts that go with another one, whose file name is the second part of theirs. */
const DEPENDENTS: Readonly<Partial<Record<ArtifactClass, readonly ArtifactClass[]>>> = {
  frames: ['crops', 'features'],
  generations: ['checkpoints'],
};
const IS_DEPENDENT = new Set(Object.values(DEPENDENTS).flat());

/** Longer than any upload takes. */
const DAY_MS = 86_400_000;
const EMPTY = new Uint8Array();
const REMOVER = 'removing-';
/** How often a finder looks whether a removal is over. */
const REMOVAL_POLL_MS = 100;
/** Artifacts that are released at the same time. */
const MAX_CONCURRENT_RELEASES = 16;

/**
 * The view of `scope` that records each artifact it writes or finds as used by `holder`: the id of a job, a
 * file or an estimate. Reads record nothing, because they follow a write or a look-up of the same holder.
 */
export function holdingView(store: BlobStore, scope: string, holder: string): BlobStore {
  const view = blobView(store, scope);
  const held = new Set<string>();

  /** Returns whether the use is new to this view. */
  async function hold(name: string): Promise<boolean> {
    const artifact = physicalName(name, scope);
    if (!isHeld(name) || held.has(artifact)) return false;
    await Promise.all([store.put(useOf(artifact, holder), EMPTY), store.put(useBy(holder, artifact), EMPTY)]);
    held.add(artifact);
    return true;
  }

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const isNew = await hold(name);
    const found = await view.head(name);
    if (!found || !isNew || !(await isBeingRemoved(physicalName(name, scope)))) return found;
    return await view.head(name);
  }

  /** Waits for a removal that began before the use was recorded. Returns whether there was one. */
  async function isBeingRemoved(artifact: string): Promise<boolean> {
    for (let waited = 0; waited < EXPIRY_SETTLE_MS; waited += REMOVAL_POLL_MS) {
      const { removers } = await usersOf(store, artifact);
      if (removers.length === 0) return waited > 0;
      await sleep(REMOVAL_POLL_MS);
    }
    return true;
  }

  /** Records the use of bytes whose name was not known before they were stored. */
  async function holdStored(stored: StoredArtifact): Promise<StoredArtifact> {
    const found = await head(stored.name);
    if (!found) throw new StoreError('unavailable', 'the artifact was removed while it was stored again');
    return stored;
  }

  return {
    ...view,
    head,

    async put(name, body) {
      // An artifact that is being removed must be gone before it can be written again.
      if (isHeld(name) && body instanceof Uint8Array) await head(name);
      else await hold(name);
      return await view.put(name, body);
    },

    async putByContent(prefix, body, options) {
      const { maxBytes = Number.POSITIVE_INFINITY } = options ?? {};
      if (body instanceof Uint8Array && body.byteLength <= maxBytes) {
        await head(`${prefix}/${await sha256Of(body)}`);
        return await view.putByContent(prefix, body, options);
      }
      return await holdStored(await view.putByContent(prefix, body, options));
    },

    ...(view.direct && {
      direct: {
        ...view.direct,
        finish: async (upload, prefix) => {
          const { finish } = view.direct ?? {};
          if (!finish) throw new TypeError('this store has no direct uploads');
          return await holdStored(await finish(upload, prefix));
        },
      },
    }),
  };
}

/**
 * Releases all uses of `holder`, and removes the artifacts that nobody else needs. Returns the estimates that
 * needed one of them: what they have made is of no use to anyone any more. May be repeated after a failure.
 *
 * @throws StoreError
 */
export async function releaseUses(store: BlobStore, holder: string): Promise<ReadonlySet<string>> {
  const prefix = useBy(holder, '');
  const artifacts: string[] = [];
  for await (const use of store.list(prefix)) artifacts.push(use.slice(prefix.length));
  const estimates = new Set<string>();
  for (let first = 0; first < artifacts.length; first += MAX_CONCURRENT_RELEASES) {
    const some = artifacts.slice(first, first + MAX_CONCURRENT_RELEASES);
    for (const others of await Promise.all(some.map((artifact) => release(store, artifact, holder))))
      for (const estimate of others) estimates.add(estimate);
  }
  return estimates;
}

/** Returns the estimates that needed the artifact, if it was removed. */
async function release(store: BlobStore, artifact: string, holder: string): Promise<readonly string[]> {
  const announcement = useOf(artifact, `${REMOVER}${holder}`);
  await store.put(announcement, EMPTY);
  await store.delete(useOf(artifact, holder));
  const { holders } = await usersOf(store, artifact);
  const needs = await Promise.all(holders.map((other) => isAlive(store, other)));
  const isNeeded = needs.some((need) => need);
  if (!isNeeded) await remove(store, artifact);
  await store.delete(announcement);
  await store.delete(useBy(holder, artifact));
  return isNeeded ? [] : holders.flatMap(({ id }) => (isEstimate(id) ? [id] : []));
}

/** Whether a holder is a job or a file that still exists, because its record may have expired. */
async function isAlive(store: BlobStore, { id, since }: Holder): Promise<boolean> {
  // An estimate is over in seconds, and is no reason to keep what it looked at.
  if (isEstimate(id)) return false;
  // The record of a file is written after its bytes.
  const isFile = id.startsWith('file_');
  if (isFile && Date.now() - since < DAY_MS) return true;
  return (await store.head(isFile ? fileName(id) : requestName(id))) !== undefined;
}

interface Holder {
  readonly id: string;
  /** When the use was recorded, in milliseconds since the epoch. */
  readonly since: number;
}

/** The holders of an artifact, by its name in the store. */
async function usersOf(
  store: BlobStore,
  artifact: string,
): Promise<{ readonly holders: readonly Holder[]; readonly removers: readonly string[] }> {
  const prefix = useOf(artifact, '');
  const holders: Holder[] = [];
  const removers: string[] = [];
  for await (const { name, modified } of store.entries(prefix)) {
    const id = name.slice(prefix.length);
    if (id.startsWith(REMOVER)) removers.push(id);
    else holders.push({ id, since: modified });
  }
  return { holders, removers };
}

/** Removes an artifact with its dependents. */
async function remove(store: BlobStore, artifact: string): Promise<void> {
  const [, scope = '', file = ''] = artifact.split('/');
  for (const dependent of DEPENDENTS[classOf(artifact) ?? 'keys'] ?? [])
    await removeAll(store, `${dependent}/${scope}/${file.replace(/\.json$/, '')}/`);
  await store.delete(artifact);
}

/** Removes all artifacts whose names start with `prefix`. @throws StoreError */
export async function removeAll(store: BlobStore, prefix: string): Promise<void> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  for (let first = 0; first < names.length; first += MAX_CONCURRENT_RELEASES)
    await Promise.all(names.slice(first, first + MAX_CONCURRENT_RELEASES).map((name) => store.delete(name)));
}

/** Whether `holder` is an estimate. */
function isEstimate(holder: string): boolean {
  return holder.startsWith('est_');
}

function isHeld(name: string): boolean {
  const known = classOf(name);
  return known !== undefined && isScoped(name) && !IS_DEPENDENT.has(known);
}

function physicalName(name: string, scope: string): string {
  const [first = '', ...rest] = name.split('/');
  return [first, scope, ...rest].join('/');
}

function useOf(artifact: string, holder: string): string {
  return `uses/of/${artifact}/${holder}`;
}

function useBy(holder: string, artifact: string): string {
  return `uses/by/${holder}/${artifact}`;
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));
}
