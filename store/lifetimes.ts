/**
 * The lifetimes of artifacts, by class. The lifetime of a `renewed` class counts from the last use: shared
 * artifacts stay as long as jobs use them. The lifetime of any other class counts from the writing, so that
 * users know when the data of a job is deleted. A use renews an artifact only after half of its lifetime,
 * hence it stays for at least another half.
 */
import { ARTIFACT_CLASSES, type ArtifactClass } from './names.ts';
import { TENANT_CLASSES } from './tenant-view.ts';

export interface Lifetime {
  /** Infinity: never expires. */
  readonly milliseconds: number;
  /** Whether the lifetime counts from the last use and not from the writing. */
  readonly renewed: boolean;
  /** Whether FRAMELOOM_LIFETIMES cannot change it. */
  readonly fixed: boolean;
}

export type Lifetimes = Readonly<Record<ArtifactClass, Lifetime>>;

/** A malformed FRAMELOOM_LIFETIMES. The message names the setting and is safe to print. */
export class LifetimesError extends Error {
  override readonly name = 'LifetimesError';

  constructor(problem: string) {
    super(`FRAMELOOM_LIFETIMES: ${problem}. docs/store.md lists the classes and their limits.`);
  }
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/**
 * Shortest lifetime of a renewed class: half of it must outlast the time between two uses of an artifact
 * within one job.
 */
const MIN_RENEWED_MS = 2 * DAY_MS;
/** Shortest lifetime of the others: a job must be able to end, and its result to be read. */
const MIN_MS = HOUR_MS;

/** Never expires, and the setting cannot change it. */
const PERMANENT: Lifetime = { milliseconds: Number.POSITIVE_INFINITY, renewed: false, fixed: true };

export const DEFAULT_LIFETIMES: Lifetimes = {
  // Input of users. A record must not outlive its bytes, and both are used together.
  sources: renewed(30),
  'image-lists': renewed(30),
  files: renewed(30),
  // An upload ends within a day; its parts are swept after two.
  uploads: written(2),
  // Frames and text. Results link to them: half a lifetime is as long as a job stays.
  frames: renewed(60),
  extractions: renewed(60),
  slides: renewed(60),
  'rendered-decks': renewed(30),
  'slide-texts': renewed(60),
  transcripts: renewed(60),
  'slide-matches': renewed(60),
  // Large, and recomputed in seconds.
  crops: renewed(7),
  features: renewed(7),
  // Small, and the most expensive to recompute.
  generations: renewed(90),
  checkpoints: written(7),
  'usage-samples': written(30),
  // Who needs an artifact. `withUses` makes it as long as the longest lifetime of these artifacts.
  uses: { milliseconds: 90 * DAY_MS, renewed: true, fixed: true },
  // Must outlive the record of the job in Temporal: the job could not be displayed or retried otherwise.
  requests: renewed(90),
  // Result, ledger, events and secrets of a job.
  jobs: written(30),
  // Checked lines of batches and their outcomes. Last used when results are read.
  batches: renewed(60),
  // Lines of schedules are deleted with their schedule.
  schedules: PERMANENT,
  // Deleted when the removal is complete.
  removals: PERMANENT,
  // Must outlive the record of the run in Temporal. A collection also applies Temporal's retention.
  deletions: written(90),
  // What deleted jobs have used: id, times and counts.
  'usage-records': written(400),
  keys: PERMANENT,
  'collection-lock': PERMANENT,
};

function renewed(days: number): Lifetime {
  return { milliseconds: days * DAY_MS, renewed: true, fixed: false };
}

function written(days: number): Lifetime {
  return { milliseconds: days * DAY_MS, renewed: false, fixed: false };
}

const UNITS: Readonly<Record<string, number>> = { h: HOUR_MS, d: DAY_MS };

/**
 * The default lifetimes with the changes in `text`, such as `crops=2d,jobs=12h,generations=never`.
 *
 * @throws LifetimesError for an unknown or fixed class, a malformed time, or one that is too short.
 */
export function parseLifetimes(text: string): Lifetimes {
  const changed: Partial<Record<ArtifactClass, Lifetime>> = {};
  for (const part of text.split(',').filter((entry) => entry.trim() !== '')) {
    const [, name, amount, unit] = /^\s*([a-z-]+)\s*=\s*(?:never|(\d+)([hd]))\s*$/.exec(part) ?? [];
    const known = ARTIFACT_CLASSES.find((found) => found === name);
    if (known === undefined || DEFAULT_LIFETIMES[known].fixed) {
      throw new LifetimesError(
        `"${part.trim()}" must be CLASS=7d, CLASS=12h or CLASS=never with one of the classes ${changeable()}`,
      );
    }
    const { renewed: isRenewed } = DEFAULT_LIFETIMES[known];
    const milliseconds =
      amount === undefined ? Number.POSITIVE_INFINITY : Number(amount) * (UNITS[unit ?? 'd'] ?? DAY_MS);
    const shortest = isRenewed ? MIN_RENEWED_MS : MIN_MS;
    if (milliseconds < shortest) {
      throw new LifetimesError(`"${part.trim()}" is shorter than ${shortest / HOUR_MS}h`);
    }
    changed[known] = { milliseconds, renewed: isRenewed, fixed: false };
  }
  return withUses({ ...DEFAULT_LIFETIMES, ...changed });
}

/** A record of use must not expire before its artifact, which no deletion would find any more. */
function withUses(lifetimes: Lifetimes): Lifetimes {
  const longest = Math.max(
    ...TENANT_CLASSES.map((name) => lifetimes[name].milliseconds),
    lifetimes.requests.milliseconds,
  );
  return { ...lifetimes, uses: { ...lifetimes.uses, milliseconds: longest } };
}

function changeable(): string {
  return ARTIFACT_CLASSES.filter((name) => !DEFAULT_LIFETIMES[name].fixed).join(', ');
}
