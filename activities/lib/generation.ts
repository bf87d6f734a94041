/**
 * A generation that survives its worker. The tokens so far are checkpointed in the store; whoever tries next takes the furthest
 * checkpoint and goes on from there. A finished generation is an artifact, found and not made again.
 */
import { Context } from '@temporalio/activity';
import { digest as digestOf } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FinishReason, GenerateRequest, Generation, Generator } from '../../phi3v/index.ts';
import type { TokenUsage } from '../../schema/stages.ts';
import { type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import { generationName } from '../../store/names.ts';
import { findJson, getJson, putJson } from './artifacts.ts';
import {
  createCheckpointWriter,
  discardGenerationProgress,
  readGenerationProgress,
  recordAttempt,
} from './checkpoints.ts';
import type { ModelLock } from './model-lock.ts';

/** After this many attempts that died without progress the next one is alone with the model, so that it is known who kills. */
const EXCLUSIVE_AFTER_ATTEMPTS = 2;
/** A generation whose attempts died this often without progress is given up: it is the work, not the worker. */
const MAX_FRUITLESS_ATTEMPTS = 5;

/** The artifact of a finished generation. */
export interface GenerationArtifact {
  readonly kind: 'caption' | 'text' | 'title';
  /** What the model said. */
  readonly text: string;
  /** Captions, per picture; texts and titles: what of it is supported by its input. */
  readonly lines: readonly string[];
  readonly finishReason: FinishReason;
  readonly usage: TokenUsage;
}

/** The generation `name`, or undefined where it is damaged or gone. */
export async function findGeneration(
  store: ArtifactStore,
  name: string,
): Promise<GenerationArtifact | undefined> {
  try {
    return await getJson<GenerationArtifact>(store, name);
  } catch (error) {
    if (error instanceof StoreError && (error.code === 'not_found' || error.code === 'corrupt'))
      return undefined;
    throw error;
  }
}

/** The generation `name`; where it is missing and `allowMissing` is set, undefined. */
export function readGeneration(
  store: ArtifactStore,
  name: string,
  allowMissing: true | undefined,
): Promise<GenerationArtifact | undefined> {
  return allowMissing ? findGeneration(store, name) : getJson<GenerationArtifact>(store, name);
}

/** Told of each answer as it is made; `generation` is its digest. For logs, and for those that count what was done twice. */
export interface GenerationObserver {
  /** The model is asked. `known` tokens are from earlier attempts. */
  onStart?(generation: string, known: number): void;
  /** The answer has so many tokens now. */
  onTokens?(generation: string, tokens: number): void;
  /** The answer is in the store. */
  onDone?(generation: string, answer: Generation): void;
}

export interface GenerationDeps {
  readonly store: ArtifactStore;
  readonly generator: Generator;
  readonly observer?: GenerationObserver | undefined;
  /** Shared by all generations of a worker. */
  readonly modelLock?: ModelLock | undefined;
}

/** Makes an answer, or goes on with one that was interrupted. */
export type Generate = (
  request: Omit<GenerateRequest, 'resume'>,
  onFeatures?: (index: number) => void,
) => Promise<Generation>;

export interface Generated {
  readonly name: string;
  readonly artifact: GenerationArtifact;
  readonly cached: boolean;
  readonly gpuSeconds: number;
  readonly visionCalls: number;
  readonly rows: number;
}

/**
 * The generation named by `digest`, which must cover everything its text depends on. `make` is called only when it has to be
 * made, and calls what it is given with the request; `read` turns its text into lines. Throws `segment_poisoned` when too
 * many attempts have died on it.
 */
export async function generateOnce(
  { store, generator, observer, modelLock }: GenerationDeps,
  digest: string,
  kind: GenerationArtifact['kind'],
  make: (generate: Generate) => Promise<Generation>,
  read: (text: string) => readonly string[],
  signal: AbortSignal,
): Promise<Generated> {
  // Taken here: tokens arrive from another process, where no activity is current.
  const context = Context.current();
  const name = generationName(digest);
  const found = await findJson<GenerationArtifact>(store, name);
  if (found) return { name, artifact: found, cached: true, gpuSeconds: 0, visionCalls: 0, rows: 0 };

  const { tokens: resume, fruitlessAttempts } = await readGenerationProgress(store, digest, context);
  if (fruitlessAttempts >= MAX_FRUITLESS_ATTEMPTS) {
    throw new FrameloomError(
      'segment_poisoned',
      `The model or its worker died on it ${fruitlessAttempts} times.`,
    );
  }
  const isSuspect = fruitlessAttempts >= EXCLUSIVE_AFTER_ATTEMPTS;
  const release = await (isSuspect ? modelLock?.exclusive(signal) : modelLock?.shared(signal));
  const removeRecord = recordAttempt(store, digest, resume.length, context);
  const writer = createCheckpointWriter(store, digest, resume, context);
  observer?.onStart?.(digest, resume.length);
  let known = resume.length;
  try {
    const generation = await make((request, onFeatures) =>
      generator.generate(
        { ...request, resume },
        {
          signal,
          onTokens: (tokens) => {
            writer.add(tokens);
            known += tokens.length;
            observer?.onTokens?.(digest, known);
          },
          onFeaturesSaved: onFeatures,
        },
      ),
    );
    await writer.settled();
    const artifact = await publishFirst(store, name, artifactOf(kind, generation, read));
    observer?.onDone?.(digest, generation);
    await discardGenerationProgress(store, digest);
    const { modelSeconds: gpuSeconds, visionCalls, averageBatchSize: rows } = generation;
    return { name, artifact, cached: false, gpuSeconds, visionCalls, rows };
  } catch (error) {
    // Preempted, or its model has ended: what there is goes into the store, so that the next attempt begins exactly here.
    await writer.write();
    if (signal.aborted || isOrderlyEnd(error)) await removeRecord();
    // An attempt thought dead that wakes up late finds the work done by another, and leaves nothing behind.
    if (await store.head(name).catch(() => undefined)) await discardGenerationProgress(store, digest);
    throw error;
  } finally {
    release?.();
  }
}

/** Whether an attempt ended as attempts may. The model's death, or a mistake of ours, counts as if the worker had died. */
function isOrderlyEnd(error: unknown): boolean {
  if (error instanceof ModelError) return error.code !== 'crashed' && error.code !== 'runtime';
  return error instanceof StoreError || error instanceof FrameloomError;
}

function artifactOf(
  kind: GenerationArtifact['kind'],
  { text, finishReason, imageTokens, promptTokens, outputTokens }: Generation,
  read: (text: string) => readonly string[],
): GenerationArtifact {
  const usage = { imageTokens, inputTokens: promptTokens, outputTokens };
  return { kind, text, lines: read(text), finishReason, usage };
}

/** Publishes the answer. Answers what stands: where another attempt was first, its answer, so that there is only one. */
async function publishFirst(
  store: ArtifactStore,
  name: string,
  artifact: GenerationArtifact,
): Promise<GenerationArtifact> {
  const { sha256 } = await putJson(store, name, artifact);
  return sha256 === (await digestOf(artifact)) ? artifact : getJson<GenerationArtifact>(store, name);
}
