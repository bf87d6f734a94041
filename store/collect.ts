/**
 * Garbage collection: removes artifacts whose lifetime has ended. Artifacts of live jobs are recognized by
 * age alone: a job uses artifacts that it wrote or found, and each found artifact was renewed unless it was
 * younger than half of its lifetime. Hence an artifact is kept if it is less than half a lifetime older than
 * the start of the oldest live job.
 */
import type { ArtifactEntry, BlobStore } from './artifact-store.ts';
import { lockCollection } from './collect-lock.ts';
import { DAY_MS, type Lifetime, type Lifetimes } from './lifetimes.ts';
import { ARTIFACT_CLASSES, type ArtifactClass } from './names.ts';
import { completeRemovals } from './remove.ts';

export interface CollectOptions {
  readonly store: BlobStore;
  readonly lifetimes: Lifetimes;
  readonly live: LiveJobs;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Counts without removing. Default: false. */
  readonly dryRun?: boolean;
  /** Progress of an earlier collection to resume. Artifacts after its last report are checked again. */
  readonly from?: CollectProgress;
  /** Called after each step. Throwing ends the collection. */
  readonly onProgress?: (progress: CollectProgress) => void;
}

/** The state of the jobs in Temporal, read before the collection. */
export interface LiveJobs {
  /** Time of the read, in milliseconds since the epoch. Jobs that were started later are missing. */
  readonly asOf: number;
  /** Start of the oldest unfinished job, in milliseconds since the epoch. Undefined if there is none. */
  readonly oldestStart: number | undefined;
  /** Retention of finished jobs in Temporal, in milliseconds. */
  readonly retention: number;
}

export interface ClassCount {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
}

/**
 * Counts by class. `orphans` is incomplete data of killed writers. Artifacts of unknown classes are neither
 * counted nor removed.
 */
export type CollectReport = Readonly<Partial<Record<ArtifactClass | 'orphans', ClassCount>>>;

export interface CollectProgress {
  /** The current class and its last checked name. */
  readonly at: { readonly class: ArtifactClass; readonly after?: string };
  readonly report: CollectReport;
}

/** Maximum difference of the clocks of machines and buckets. */
const CLOCK_SKEW_MS = 3_600_000;
/** Incomplete data is removed after this time, which is longer than any upload takes. */
const ORPHAN_LIFETIME_MS = 2 * DAY_MS;
/** A removal that has not ended after this time was interrupted. */
const REMOVAL_TIMEOUT_MS = 3_600_000;
/** Number of entries between two reports of progress. */
const PROGRESS_INTERVAL = 100;

/**
 * Checks each artifact once, removes expired ones, and returns the counts.
 *
 * @throws StoreError `unavailable` while another collection is running; any StoreError of the store; the
 *   error of `onProgress`.
 */
export async function collectGarbage(options: CollectOptions): Promise<CollectReport> {
  const { store, lifetimes, live, dryRun = false, from, now = Date.now } = options;
  const report: Partial<Record<ArtifactClass | 'orphans', ClassCount>> = { ...from?.report };
  // From here on, readers of an expired artifact wait until it can no longer be removed (renew-on-read.ts).
  const lock = dryRun ? undefined : await lockCollection(store, now);
  try {
    if (lock) await completeRemovals(store, live.asOf - REMOVAL_TIMEOUT_MS);
    // Before the names: bytes whose name is removed by this collection stay until the next one.
    if (lock && !from) {
      const { removed, bytes } = await store.sweep(live.asOf - ORPHAN_LIFETIME_MS);
      report.orphans = { removed, removedBytes: bytes, kept: 0, keptBytes: 0 };
    }
    const first = from ? ARTIFACT_CLASSES.indexOf(from.at.class) : 0;
    for (const name of ARTIFACT_CLASSES.slice(first)) {
      if (name === 'collection-lock') continue;
      const limit = expiryLimit(name, lifetimes[name], live);
      let after = name === from?.at.class ? from.at.after : undefined;
      const reportProgress = (): void =>
        options.onProgress?.({
          at: { class: name, ...(after === undefined ? {} : { after }) },
          report: { ...report },
        });
      let checkedCount = 0;
      reportProgress();
      for await (const group of groupForRemoval(name, store.entries(`${name}/`, after))) {
        const isOld = group.every((entry) => entry.modified < limit);
        for (const entry of group) {
          if (isOld) await lock?.confirm();
          const removed = isOld && (dryRun || (await store.expire(entry.name, limit)));
          report[name] = addToCount(report[name], entry.bytes, removed);
          checkedCount += 1;
          if (checkedCount % PROGRESS_INTERVAL === 0) reportProgress();
        }
        after = group.at(-1)?.name;
      }
    }
  } finally {
    await lock?.release();
  }
  return report;
}

/**
 * Returns the time before which the last use of an artifact must be for its removal, in milliseconds since
 * the epoch.
 */
function expiryLimit(
  name: ArtifactClass,
  { milliseconds, renewed }: Lifetime,
  { asOf, oldestStart = Number.POSITIVE_INFINITY, retention }: LiveJobs,
): number {
  // Both must outlive the record of a job in Temporal: without the first, a deleted job would reappear, and
  // without the second, a job could not be displayed. Requests are renewed only after half of their lifetime,
  // hence the factor.
  const least =
    name === 'deletions' ? retention + DAY_MS : name === 'requests' ? 2 * (retention + DAY_MS) : 0;
  const lifetime = Math.max(milliseconds, least);
  const needed = oldestStart - (renewed ? lifetime / 2 : 0);
  return Math.min(asOf - lifetime, needed) - CLOCK_SKEW_MS;
}

/** Groups artifacts that are removed together: all of a job, and otherwise each artifact alone. */
async function* groupForRemoval(
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

function addToCount(
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
