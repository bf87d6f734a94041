/**
 * How long artifacts stay, by class: one table. `renewed` classes count from the last use, so that what jobs share stays as
 * long as jobs come; the others count from the writing, so that what belongs to one job goes at a time that can be told
 * beforehand. A use renews an artifact only after half of its lifetime: it then stays for at least half a lifetime more.
 */
import { type ArtifactClass, CLASSES } from './names.ts';

export interface Lifetime {
  /** Milliseconds; Infinity stays for ever. */
  readonly milliseconds: number;
  readonly renewed: boolean;
  /** Whether the setting may change it. */
  readonly fixed: boolean;
}

export type Lifetimes = Readonly<Record<ArtifactClass, Lifetime>>;

/** A text of lifetimes that cannot be followed; the message names the setting and is fit to print. */
export class LifetimesError extends Error {
  override readonly name = 'LifetimesError';

  constructor(problem: string) {
    super(`FRAMELOOM_LIFETIMES: ${problem}. docs/store.md lists the classes and their limits.`);
  }
}

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Least lifetime of a renewed class: half of it must outlast the gap between two uses of an artifact within one job. */
const LEAST_RENEWED = 2 * DAY;
/** Least lifetime of the others: a job must be able to end, and to be read. */
const LEAST = HOUR;

export const DEFAULT_LIFETIMES: Lifetimes = {
  // What was sent. A record never outlives its bytes, as both are used together.
  source: renewed(30),
  'source-lists': renewed(30),
  files: renewed(30),
  // An upload ends within a day; its parts are swept after two.
  uploads: written(2),
  // Pictures and words. Results show them: half a lifetime is as long as a job stays.
  frames: renewed(60),
  extractions: renewed(60),
  slides: renewed(60),
  drawn: renewed(30),
  words: renewed(60),
  shown: renewed(60),
  // Large, and made again in seconds.
  crops: renewed(7),
  features: renewed(7),
  // Small, and the dearest to make again.
  generations: renewed(90),
  checkpoints: written(7),
  // What answers took lately.
  rates: written(30),
  // Must outlive what the orchestrator still knows of a job, which could not be displayed or retried otherwise.
  requests: renewed(90),
  // Result, ledger, events and secrets of a job.
  jobs: written(30),
  // Checked lines of batches, and what became of each: used for the last time when results are read.
  batches: renewed(60),
  // Lines of schedules: they go with their schedule.
  schedules: { milliseconds: Number.POSITIVE_INFINITY, renewed: false, fixed: true },
  // Must outlive what the orchestrator still knows of a run; a collection asks it for its retention, too.
  deleted: written(90),
  keys: { milliseconds: Number.POSITIVE_INFINITY, renewed: false, fixed: true },
  collecting: { milliseconds: Number.POSITIVE_INFINITY, renewed: false, fixed: true },
};

function renewed(days: number): Lifetime {
  return { milliseconds: days * DAY, renewed: true, fixed: false };
}

function written(days: number): Lifetime {
  return { milliseconds: days * DAY, renewed: false, fixed: false };
}

const UNITS: Readonly<Record<string, number>> = { h: HOUR, d: DAY };

/**
 * The defaults with what `text` changes, such as `crops=2d,jobs=12h,generations=never`. Throws LifetimesError.
 */
export function parseLifetimes(text: string): Lifetimes {
  const changed: Partial<Record<ArtifactClass, Lifetime>> = {};
  for (const part of text.split(',').filter((entry) => entry.trim() !== '')) {
    const [, name, amount, unit] = /^\s*([a-z-]+)\s*=\s*(?:never|(\d+)([hd]))\s*$/.exec(part) ?? [];
    const known = CLASSES.find((found) => found === name);
    if (known === undefined || DEFAULT_LIFETIMES[known].fixed) {
      throw new LifetimesError(`"${part.trim()}" is not one of ${changeable()} with =7d, =12h or =never`);
    }
    const { renewed: isRenewed } = DEFAULT_LIFETIMES[known];
    const milliseconds =
      amount === undefined ? Number.POSITIVE_INFINITY : Number(amount) * (UNITS[unit ?? 'd'] ?? DAY);
    const least = isRenewed ? LEAST_RENEWED : LEAST;
    if (milliseconds < least) {
      throw new LifetimesError(`"${part.trim()}" is shorter than ${least / HOUR}h`);
    }
    changed[known] = { milliseconds, renewed: isRenewed, fixed: false };
  }
  return { ...DEFAULT_LIFETIMES, ...changed };
}

function changeable(): string {
  return CLASSES.filter((name) => !DEFAULT_LIFETIMES[name].fixed).join(', ');
}
