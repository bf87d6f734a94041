/**
 * A generation that survives its worker. The tokens so far are checkpointed in the store; whoever tries next takes the furthest
 * checkpoint and goes on from there. A finished generation is an artifact, found and not made again.
 */
import { Context } from '@temporalio/activity';
import type { FinishReason, GenerateRequest, Generation, Generator } from '../phi3v/index.ts';
import type { TokenUsage } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { checkpointName, checkpointPrefix, generationName } from '../store/names.ts';
import { findJson, getJson, putJson } from './artifacts.ts';

/** A checkpoint is due when both have passed since the last one. */
const CHECKPOINT_MILLISECONDS = 1000;
const CHECKPOINT_TOKENS = 32;

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

interface Checkpoint {
  readonly digest: string;
  readonly tokens: readonly number[];
}

export interface GenerationDeps {
  readonly store: ArtifactStore;
  readonly generator: Generator;
  readonly onGeneration?: ((generation: Generation) => void) | undefined;
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
 * made, and calls what it is given with the request; `read` turns its text into lines.
 */
export async function generateOnce(
  { store, generator, onGeneration }: GenerationDeps,
  digest: string,
  kind: GenerationArtifact['kind'],
  make: (generate: Generate) => Promise<Generation>,
  read: (text: string) => readonly string[],
  signal: AbortSignal,
): Promise<Generated> {
  const name = generationName(digest);
  const found = await findJson<GenerationArtifact>(store, name);
  if (found) return { name, artifact: found, cached: true, gpuSeconds: 0, visionCalls: 0, rows: 0 };

  const resume = await furthestCheckpoint(store, digest);
  const writer = checkpointWriter(store, digest, resume);
  let artifact: GenerationArtifact;
  let cost = { gpuSeconds: 0, visionCalls: 0, rows: 0 };
  try {
    const generation = await make((request, onFeatures) =>
      generator.generate({ ...request, resume }, { signal, onTokens: writer.add, onFeatures }),
    );
    onGeneration?.(generation);
    const { modelSeconds: gpuSeconds, visionCalls, rows } = generation;
    cost = { gpuSeconds, visionCalls, rows };
    artifact = {
      kind,
      text: generation.text,
      lines: read(generation.text),
      finishReason: generation.finishReason,
      usage: {
        imageTokens: generation.imageTokens,
        inputTokens: generation.promptTokens,
        outputTokens: generation.outputTokens,
      },
    };
  } catch (error) {
    // Preempted: what there is goes into the store, so that the next worker begins exactly here.
    if (signal.aborted) await writer.write();
    throw error;
  } finally {
    await writer.settled();
  }
  await putJson(store, name, artifact);
  await discardCheckpoints(store, digest);
  return { name, artifact, cached: false, ...cost };
}

async function furthestCheckpoint(store: ArtifactStore, digest: string): Promise<readonly number[]> {
  const names: string[] = [];
  for await (const name of store.list(checkpointPrefix(digest))) names.push(name);
  for (const name of names.reverse()) {
    // A checkpoint that is damaged or of something else is passed over: an earlier one, or the beginning, is always right.
    const checkpoint = await getJson<Checkpoint>(store, name).catch(() => undefined);
    if (checkpoint?.digest === digest) return checkpoint.tokens;
  }
  return [];
}

function checkpointWriter(store: ArtifactStore, digest: string, resumed: readonly number[]) {
  // Taken here: tokens arrive from another process, where no activity is current.
  const context = Context.current();
  const { attempt } = context.info;
  const tokens = [...resumed];
  let saved = tokens.length;
  let savedAt = performance.now();
  let writing: Promise<unknown> = Promise.resolve();

  function write(): Promise<unknown> {
    if (tokens.length === saved) return writing;
    saved = tokens.length;
    savedAt = performance.now();
    const checkpoint: Checkpoint = { digest, tokens: [...tokens] };
    context.heartbeat({ checkpoint: checkpointName(digest, saved, attempt) });
    // A checkpoint that cannot be written costs a retry some tokens, not this attempt its work.
    writing = writing
      .then(() => putJson(store, checkpointName(digest, checkpoint.tokens.length, attempt), checkpoint))
      .catch(() => undefined);
    return writing;
  }

  return {
    add: (added: readonly number[]): void => {
      tokens.push(...added);
      if (
        tokens.length - saved >= CHECKPOINT_TOKENS &&
        performance.now() - savedAt >= CHECKPOINT_MILLISECONDS
      )
        void write();
    },
    write,
    settled: () => writing,
  };
}

async function discardCheckpoints(store: ArtifactStore, digest: string): Promise<void> {
  for await (const name of store.list(checkpointPrefix(digest))) await store.delete(name);
}
