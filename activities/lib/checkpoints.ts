/**
 * What an interrupted generation leaves in the store for the next attempt: checkpoints of its tokens, and a
 * marker of every attempt that started. An attempt removes its marker when it ends in an orderly way:
 * preempted, cancelled or rejected. The markers that remain are of attempts that died. The number of those
 * without progress is limited.
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

interface AttemptMarker {
  /** Tokens that the attempt started with. */
  readonly known: number;
}

export interface GenerationProgress {
  /** Tokens of the furthest intact checkpoint. */
  readonly tokens: readonly number[];
  /** Attempts of this activity that died and left no token beyond those they started with. */
  readonly fruitlessAttempts: number;
}

/** Reads the progress of earlier attempts, of all workers. Throws StoreError `unavailable`. */
export async function readGenerationProgress(
  store: ArtifactStore,
  digest: string,
  context: Context,
): Promise<GenerationProgress> {
  const names = new Set<string>();
  for await (const name of store.list(checkpointPrefix(digest))) names.add(name);
  const own = attemptMarkerPrefix(digest, await activityKey(context));
  const markers = [...names].filter((name) => name.startsWith(own));
  const hint = checkpointOfHeartbeat(context, digest);
  if (hint !== undefined) names.add(hint);

  let tokens: readonly number[] = [];
  for (const name of [...names].filter(isCheckpoint).sort().reverse()) {
    const checkpoint = await readUnlessDamaged<Checkpoint>(store, name);
    if (checkpoint?.digest !== digest || !Array.isArray(checkpoint.tokens)) continue;
    tokens = checkpoint.tokens;
    break;
  }
  const started = await Promise.all(markers.map((name) => readUnlessDamaged<AttemptMarker>(store, name)));
  return {
    tokens,
    fruitlessAttempts: started.filter((marker) => marker !== undefined && marker.known >= tokens.length)
      .length,
  };
}

/** A damaged or missing artifact is skipped: an earlier checkpoint, or none, is always correct. */
async function readUnlessDamaged<T>(store: ArtifactStore, name: string): Promise<T | undefined> {
  try {
    return await getJson<T>(store, name);
  } catch (error) {
    // An unavailable store may have it: waiting costs less than repeating the work.
    if (error instanceof StoreError && error.code === 'unavailable') throw error;
    return undefined;
  }
}

/** The furthest checkpoint by the heartbeat details of the previous attempt. */
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

/** A key that all attempts of one activity share. Temporal runs one of them at a time. */
async function activityKey({ info }: Context): Promise<string> {
  const { activityId, workflowExecution } = info;
  return (await digestOf({ activityId, run: workflowExecution?.runId })).slice(0, 16);
}

/**
 * Stores a marker that this attempt starts with `known` tokens. Returns a function that removes the marker.
 */
export function markAttempt(
  store: ArtifactStore,
  digest: string,
  known: number,
  context: Context,
): () => Promise<void> {
  // The work neither waits for the marker nor fails with it: it only counts attempts that die.
  const written = activityKey(context).then(async (key) => {
    const name = attemptMarkerName(digest, key, context.info.attempt);
    await putJson(store, name, { known } satisfies AttemptMarker);
    return name;
  });
  written.catch(() => undefined);
  return async () => {
    await written.then((name) => store.delete(name)).catch(() => undefined);
  };
}

export interface CheckpointWriter {
  /** Adds tokens, and writes a checkpoint when one is due. */
  add(tokens: readonly number[]): void;
  /** Writes a checkpoint of all tokens. */
  write(): Promise<unknown>;
  /** Waits for the latest write. */
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
    // A failed write costs a retry some tokens; it must not cost this attempt its work.
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

/** Removes the checkpoints and markers of a finished generation. */
export async function discardGenerationProgress(store: ArtifactStore, digest: string): Promise<void> {
  for await (const name of store.list(checkpointPrefix(digest))) await store.delete(name);
}
