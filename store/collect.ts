/**
 * Removes what has outlived its lifetime. What a live job needs is known without reading what it did: a job uses what it wrote or
 * found, and what it found was renewed then unless it was younger than half of its lifetime. So nothing is removed that
 * is less than half a lifetime older than the oldest live job, however long that job takes.
 */
import type { ArtifactEntry, BlobStore } from './artifact-store.ts';
import { lockCollection } from './collect-lock.ts';
import { DAY_MS, type Lifetime, type Lifetimes } from './lifetimes.ts';
import { ARTIFACT_CLASSES, type ArtifactClass } from './names.ts';

export interface CollectOptions {
  readonly store: BlobStore;
  readonly lifetimes: Lifetimes;
  readonly live: LiveJobs;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Only counts. */
  readonly dryRun?: boolean;
  /** Where an earlier collection stopped, with what it had counted until then; what it did after its last report is looked at again. */
  readonly from?: CollectProgress;
  /** Called after each step. Throwing ends the collection. */
  readonly onProgress?: (progress: CollectProgress) => void;
}

/** What the orchestrator knows, asked before anything is looked at. */
export interface LiveJobs {
  /** When it was asked, in milliseconds since the epoch: jobs that were started later are not among the live ones. */
  readonly asOf: number;
  /** When the oldest job that has not ended was started, in milliseconds since the epoch; undefined where none is live. */
  readonly oldestStart: number | undefined;
  /** How long the orchestrator remembers ended jobs, in milliseconds. */
  readonly retention: number;
}

export interface ClassCount {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
}

/**
 * By class; `remains` is what killed writers left. Artifacts of classes that this version does not know are neither counted nor
 * removed.
 */
export type CollectReport = Readonly<Partial<Record<ArtifactClass | 'remains', ClassCount>>>;

export interface CollectProgress {
  /** The class that is looked at, and the last name of it that was. */
  readonly at: { readonly class: ArtifactClass; readonly after?: string };
  readonly report: CollectReport;
}

/** Clocks of machines and buckets may differ by this much, in milliseconds. */
const SKEW = 3_600_000;
/** Remains of killed writers are swept after this time, in milliseconds: longer than any upload takes. */
const REMAINS = 2 * DAY_MS;
/** Entries between two reports of progress. */
const STEP = 100;

/** Looks at every artifact once. Throws `unavailable` while another collection is under way, any other StoreError, and what `onProgress` throws. */
export async function collectGarbage(options: CollectOptions): Promise<CollectReport> {
  const { store, lifetimes, live, dryRun = false, from, now = Date.now } = options;
  const report: Partial<Record<ArtifactClass | 'remains', ClassCount>> = { ...from?.report };
  // Who finds something expired from here on waits until it cannot be removed any more.
  const lock = dryRun ? undefined : await lockCollection(store, now);
  try {
    // Remains first: bytes whose name goes in this collection stay until the next one.
    if (lock && !from) {
      const { removed, bytes } = await store.sweep(live.asOf - REMAINS);
      report.remains = { removed, removedBytes: bytes, kept: 0, keptBytes: 0 };
    }
    const first = from ? ARTIFACT_CLASSES.indexOf(from.at.class) : 0;
    for (const name of ARTIFACT_CLASSES.slice(first)) {
      if (name === 'collection-lock') continue;
      const limit = expiryOf(name, lifetimes[name], live);
      let after = name === from?.at.class ? from.at.after : undefined;
      const tell = (): void =>
        options.onProgress?.({
          at: { class: name, ...(after === undefined ? {} : { after }) },
          report: { ...report },
        });
      let looked = 0;
      tell();
      for await (const group of groupsOf(name, store.entries(`${name}/`, after))) {
        const isOld = group.every((entry) => entry.modified < limit);
        for (const entry of group) {
          if (isOld) await lock?.confirm();
          const removed = isOld && (dryRun || (await store.expire(entry.name, limit)));
          report[name] = counted(report[name], entry.bytes, removed);
          looked += 1;
          if (looked % STEP === 0) tell();
        }
        after = group.at(-1)?.name;
      }
    }
  } finally {
    await lock?.release();
  }
  return report;
}

/** Before when an artifact of the class must have been used last, or written, to be removed. */
function expiryOf(
  name: ArtifactClass,
  { milliseconds, renewed }: Lifetime,
  { asOf, oldestStart = Number.POSITIVE_INFINITY, retention }: LiveJobs,
): number {
  // Both are read as long as the orchestrator remembers a job: without the first a deleted job would come back, and
  // without the second a job could not be displayed. A renewal happens after half of the lifetime only.
  const least =
    name === 'deletions' ? retention + DAY_MS : name === 'requests' ? 2 * (retention + DAY_MS) : 0;
  const lifetime = Math.max(milliseconds, least);
  const needed = oldestStart - (renewed ? lifetime / 2 : 0);
  return Math.min(asOf - lifetime, needed) - SKEW;
}

/** What is removed together: all of a job, and otherwise each artifact alone. */
async function* groupsOf(
  name: ArtifactClass,
  entries: AsyncIterable<ArtifactEntry>,
): AsyncGenerator<readonly ArtifactEntry[]> {
  if (name !== 'jobs') {
    for await (const entry of entries) yield [entry];
    return;
  }
  let group: ArtifactEntry[] = [];
  const jobOf = (entry: ArtifactEntry | undefined): string | undefined => entry?.name.split('/')[1];
  for await (const entry of entries) {
    if (group.length > 0 && jobOf(entry) !== jobOf(group[0])) {
      yield group;
      group = [];
    }
    group.push(entry);
  }
  if (group.length > 0) yield group;
}

function counted(
  { removed, removedBytes, kept, keptBytes }: ClassCount = {
    removed: 0,
    removedBytes: 0,
    kept: 0,
    keptBytes: 0,
  },
  bytes: number,
  isRemoved: boolean,
): ClassCount {
  return isRemoved
    ? { removed: removed + 1, removedBytes: removedBytes + bytes, kept, keptBytes }
    : { removed, removedBytes, kept: kept + 1, keptBytes: keptBytes + bytes };
}
