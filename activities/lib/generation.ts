/**
 * A generation that survives its worker. Its tokens are checkpointed in the store; the next attempt continues
 * at the furthest checkpoint. A finished generation is an artifact, which is found and not made again.
 */
import { Context } from '@temporalio/activity';
import { digest as digestOf } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FinishReason, GenerateRequest, Generation, Generator } from '../../phi3v/index.ts';
import type { TokenUsage } from '../../schema/stages.ts';
import { hasVersion, type Versioned } from '../../schema/versioned.ts';
import { type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import { generationName } from '../../store/names.ts';
import { findVersioned, getJson, getVersioned, putJson } from './artifacts.ts';
import {
  createCheckpointWriter,
  discardGenerationProgress,
  markAttempt,
  readGenerationProgress,
} from './checkpoints.ts';
import type { ModelLock } from './model-lock.ts';

/**
 * After this many attempts that died without progress, the next one runs alone, so that its death blames no
 * other generation.
 */
const EXCLUSIVE_AFTER_ATTEMPTS = 2;
/**
 * A generation fails for good after this many attempts that died without progress: its input is the cause,
 * not the worker.
 */
const MAX_FRUITLESS_ATTEMPTS = 5;

/** Version of the shape of a generation. It is part of the digest that names one. */
export const GENERATION_VERSION = 1;

/** The artifact of a finished generation. */
export interface GenerationArtifact extends Versioned {
  readonly version: typeof GENERATION_VERSION;
  readonly kind: 'caption' | 'text' | 'title';
  /** The output of the model, unchanged. */
  readonly text: string;
  /** Captions: one per image. Texts and titles: the sentences that their input supports. */
  readonly lines: readonly string[];
  readonly finishReason: FinishReason;
  readonly usage: TokenUsage;
}

/**
 * Returns the generation `name`, or undefined where it is damaged, missing or of another version. Throws
 * other StoreErrors.
 */
export async function findGeneration(
  store: ArtifactStore,
  name: string,
): Promise<GenerationArtifact | undefined> {
  try {
    const artifact = await getJson<unknown>(store, name);
    return hasVersion<GenerationArtifact>(artifact, GENERATION_VERSION) ? artifact : undefined;
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'not_found' || error.code === 'corrupt'))
      return undefined;
    throw error;
  }
}

/**
 * Returns the generation `name`, or undefined where it is missing and `allowMissing` is set. Throws
 * StoreError.
 */
export function readGeneration(
  store: ArtifactStore,
  name: string,
  allowMissing: true | undefined,
): Promise<GenerationArtifact | undefined> {
  return allowMissing
    ? findGeneration(store, name)
    : getVersioned<GenerationArtifact>(store, name, GENERATION_VERSION);
}

/**
 * Observes generations as they are made, for logs and for tests that count repeated work. `digest` names the
 * generation.
 */
export interface GenerationObserver {
  /** An attempt starts. `known` tokens are from earlier attempts. */
  onStart?(digest: string, known: number): void;
  /** The generation has `tokens` tokens now. */
  onTokens?(digest: string, tokens: number): void;
  /** The generation is stored. */
  onDone?(digest: string, generation: Generation): void;
}

export interface GenerationDeps {
  readonly store: ArtifactStore;
  readonly generator: Generator;
  readonly observer?: GenerationObserver | undefined;
  /** Shared by all generations of a worker. */
  readonly modelLock?: ModelLock | undefined;
}

/** Runs the model on a request, from the furthest checkpoint on. */
export type Generate = (
  request: Omit<GenerateRequest, 'resume'>,
  onFeaturesSaved?: (index: number) => void,
) => Promise<Generation>;

export interface GenerationTask {
  /** Names the generation. It must cover everything that the text depends on. */
  readonly digest: string;
  readonly kind: GenerationArtifact['kind'];
  /** Calls `generate` once, with the request. Not called where the generation is found. */
  readonly run: (generate: Generate) => Promise<Generation>;
  /** Splits the text into the lines of the artifact. */
  readonly parse: (text: string) => readonly string[];
  readonly signal: AbortSignal;
}

export interface Generated {
  readonly name: string;
  readonly artifact: GenerationArtifact;
  /** Whether it was found. The numbers below are then 0. */
  readonly cached: boolean;
  readonly gpuSeconds: number;
  readonly visionCalls: number;
  /** Average batch size. */
  readonly rows: number;
}

/**
 * Returns the generation of `task`: finds it, or makes it and stores it. To be called in an activity.
 *
 * @throws FrameloomError `segment_poisoned` after too many attempts that died without progress
 * @throws ModelError, StoreError, and what `task.run` throws
 */
export async function generateOnce(deps: GenerationDeps, task: GenerationTask): Promise<Generated> {
  const { store, modelLock } = deps;
  const { digest, signal } = task;
  // Read here, because tokens arrive from another process, where no activity is current.
  const context = Context.current();
  const name = generationName(digest);
  const found = await findVersioned<GenerationArtifact>(store, name, GENERATION_VERSION);
  if (found) return { name, artifact: found, cached: true, gpuSeconds: 0, visionCalls: 0, rows: 0 };

  const { tokens, fruitlessAttempts } = await readGenerationProgress(store, digest, context);
  if (fruitlessAttempts >= MAX_FRUITLESS_ATTEMPTS) {
    throw new FrameloomError(
      'segment_poisoned',
      `The model or its worker died on this input ${fruitlessAttempts} times.`,
    );
  }
  const isSuspect = fruitlessAttempts >= EXCLUSIVE_AFTER_ATTEMPTS;
  const release = await (isSuspect ? modelLock?.exclusive(signal) : modelLock?.shared(signal));
  try {
    return await runAttempt(deps, task, tokens, context);
  } finally {
    release?.();
  }
}

/**
 * Runs one attempt from the tokens `resume` on. Stores the generation, or the progress of an attempt that
 * fails.
 */
async function runAttempt(
  { store, generator, observer }: GenerationDeps,
  { digest, kind, run, parse, signal }: GenerationTask,
  resume: readonly number[],
  context: Context,
): Promise<Generated> {
  const name = generationName(digest);
  const removeMarker = markAttempt(store, digest, resume.length, context);
  const writer = createCheckpointWriter(store, digest, resume, context);
  observer?.onStart?.(digest, resume.length);
  let known = resume.length;
  const onTokens = (tokens: readonly number[]): void => {
    writer.add(tokens);
    known += tokens.length;
    observer?.onTokens?.(digest, known);
  };
  try {
    const generation = await run((request, onFeaturesSaved) =>
      generator.generate({ ...request, resume }, { signal, onTokens, onFeaturesSaved }),
    );
    await writer.settled();
    const artifact = await publishFirst(store, name, artifactOf(kind, generation, parse));
    observer?.onDone?.(digest, generation);
    await discardGenerationProgress(store, digest);
    const { modelSeconds: gpuSeconds, visionCalls, averageBatchSize: rows } = generation;
    return { name, artifact, cached: false, gpuSeconds, visionCalls, rows };
  } catch (error) {
    // Preempted, or the model has ended. The next attempt continues exactly here.
    await writer.write();
    if (signal.aborted || isOrderlyEnd(error)) await removeMarker();
    // An attempt that was thought dead finds the work done by another one, and must leave nothing behind.
    if (await store.head(name).catch(() => undefined)) await discardGenerationProgress(store, digest);
    throw error;
  }
}

/**
 * Whether an attempt failed in a way that says nothing about its input. A crash of the model, or a bug,
 * counts against it.
 */
function isOrderlyEnd(error: unknown): boolean {
  if (error instanceof ModelError) return error.code !== 'crashed' && error.code !== 'runtime';
  return error instanceof StoreError || error instanceof FrameloomError;
}

function artifactOf(
  kind: GenerationArtifact['kind'],
  { text, finishReason, imageTokens, promptTokens, outputTokens }: Generation,
  parse: GenerationTask['parse'],
): GenerationArtifact {
  const usage = { imageTokens, inputTokens: promptTokens, outputTokens };
  return { version: GENERATION_VERSION, kind, text, lines: parse(text), finishReason, usage };
}

/**
 * Stores the generation and returns the one that is stored: where another attempt was first, that one stands.
 */
async function publishFirst(
  store: ArtifactStore,
  name: string,
  artifact: GenerationArtifact,
): Promise<GenerationArtifact> {
  const { sha256 } = await putJson(store, name, artifact);
  return sha256 === (await digestOf(artifact))
    ? artifact
    : getVersioned<GenerationArtifact>(store, name, GENERATION_VERSION);
}
