/**
 * What an interrupted generation leaves in the store for the next attempt: its tokens so far, and a note of every attempt that
 * began. An attempt takes its note away when it ends in any way it can still decide on: preempted, cancelled, refused. What
 * stays are the notes of attempts that died, and of those that made no progress a generation gets only so many.
 */
import type { Context } from '@temporalio/activity';
import { digest as digestOf } from '../../core/canonical-json.ts';
import { type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import {
  attemptMarkerName,
  attemptMarkerPrefix,
  checkpointName,
  checkpointPrefix,
} from '../../store/names.ts';
import { getJson, putJson } from './artifacts.ts';
import { setHeartbeatDetails } from './heartbeat.ts';

/** A checkpoint is due when both have passed since the last one. */
const CHECKPOINT_INTERVAL_MS = 1000;
const CHECKPOINT_MIN_TOKENS = 32;

interface Checkpoint {
  readonly digest: string;
  readonly tokens: readonly number[];
}

interface AttemptRecord {
  /** Tokens that the attempt began with. */
  readonly known: number;
}

export interface GenerationProgress {
  /** Of the furthest checkpoint that is whole and of this generation. */
  readonly tokens: readonly number[];
  /** Attempts of this activity that began, died, and left nothing beyond what they had begun with. */
  readonly fruitlessAttempts: number;
}

/** Reads what earlier attempts at the generation left, on whatever worker they ran. */
export async function readGenerationProgress(
  store: ArtifactStore,
  digest: string,
  context: Context,
): Promise<GenerationProgress> {
  const names = new Set<string>();
  for await (const name of store.list(checkpointPrefix(digest))) names.add(name);
  const own = attemptMarkerPrefix(digest, await activityKey(context));
  const notes = [...names].filter((name) => name.startsWith(own));
  const hint = checkpointOfHeartbeat(context, digest);
  if (hint !== undefined) names.add(hint);

  let tokens: readonly number[] = [];
  for (const name of [...names].filter(isCheckpoint).sort().reverse()) {
    const checkpoint = await readUnlessDamaged<Checkpoint>(store, name);
    if (checkpoint?.digest !== digest || !Array.isArray(checkpoint.tokens)) continue;
    tokens = checkpoint.tokens;
    break;
  }
  const begun = await Promise.all(notes.map((name) => readUnlessDamaged<AttemptRecord>(store, name)));
  return {
    tokens,
    fruitlessAttempts: begun.filter((note) => note !== undefined && note.known >= tokens.length).length,
  };
}

/** One that is damaged or gone is passed over: an earlier one, or the beginning, is always right. */
async function readUnlessDamaged<T>(store: ArtifactStore, name: string): Promise<T | undefined> {
  try {
    return await getJson<T>(store, name);
  } catch (error) {
    // A store that does not answer may have it: waiting costs less than doing the work again.
    if (error instanceof StoreError && error.code === 'unavailable') throw error;
    return undefined;
  }
}

/** Where the last attempt said its furthest checkpoint is. */
function checkpointOfHeartbeat({ info }: Context, digest: string): string | undefined {
  const details: unknown = info.heartbeatDetails;
  if (typeof details !== 'object' || details === null || !('checkpoint' in details)) return undefined;
  const { checkpoint } = details;
  return typeof checkpoint === 'string' && checkpoint.startsWith(checkpointPrefix(digest))
    ? checkpoint
    : undefined;
}

function isCheckpoint(name: string): boolean {
  return /\/\d+-\d+\.json$/.test(name);
}

/** The same for all attempts of one activity, of which Temporal runs one at a time; another for every other job. */
async function activityKey({ info }: Context): Promise<string> {
  const { activityId, workflowExecution } = info;
  return (await digestOf({ activityId, run: workflowExecution?.runId })).slice(0, 16);
}

/** Notes that this attempt begins with `known` tokens. Answers what takes the note away again. */
export function recordAttempt(
  store: ArtifactStore,
  digest: string,
  known: number,
  context: Context,
): () => Promise<void> {
  // The work does not wait for it, and goes on where it cannot be written: it only counts attempts that die.
  const written = activityKey(context).then(async (key) => {
    const name = attemptMarkerName(digest, key, context.info.attempt);
    await putJson(store, name, { known } satisfies AttemptRecord);
    return name;
  });
  written.catch(() => undefined);
  return async () => {
    await written.then((name) => store.delete(name)).catch(() => undefined);
  };
}

export interface CheckpointWriter {
  /** Takes the next tokens, and writes a checkpoint when one is due. */
  add(tokens: readonly number[]): void;
  /** Writes what is not written yet. */
  write(): Promise<unknown>;
  settled(): Promise<unknown>;
}

export function createCheckpointWriter(
  store: ArtifactStore,
  digest: string,
  resumed: readonly number[],
  context: Context,
): CheckpointWriter {
  const { attempt } = context.info;
  const tokens = [...resumed];
  let saved = tokens.length;
  let savedAt = performance.now();
  let writing: Promise<unknown> = Promise.resolve();

  function write(): Promise<unknown> {
    if (tokens.length === saved) return writing;
    saved = tokens.length;
    savedAt = performance.now();
    const name = checkpointName(digest, saved, attempt);
    const checkpoint: Checkpoint = { digest, tokens: [...tokens] };
    // A checkpoint that cannot be written costs a retry some tokens, not this attempt its work.
    writing = writing
      .then(() => putJson(store, name, checkpoint))
      .then(() => setHeartbeatDetails(context, { checkpoint: name }))
      .catch(() => undefined);
    return writing;
  }

  return {
    add(added) {
      tokens.push(...added);
      if (
        tokens.length - saved >= CHECKPOINT_MIN_TOKENS &&
        performance.now() - savedAt >= CHECKPOINT_INTERVAL_MS
      )
        void write();
    },
    write,
    settled: () => writing,
  };
}

/** Removes all that was kept for a generation that is made. */
export async function discardGenerationProgress(store: ArtifactStore, digest: string): Promise<void> {
  for await (const name of store.list(checkpointPrefix(digest))) await store.delete(name);
}
