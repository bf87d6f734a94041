import { setImmediate } from 'node:timers/promises';
import { asModelError, ModelError } from '../../onnx/index.ts';
import { createSampler, type Sampler, type Sampling } from '../text/index.ts';
import type { Decoder, StepRow } from './decoder.ts';
import { type ImageFeatures, sliceFeatures } from './features.ts';
import type { CacheRow, CacheSlab } from './kv-cache.ts';

/**
 * - `stop`: the model ended the answer, or a stop string did.
 * - `length`: the answer is as long as allowed.
 * - `repetition`: the model went round in a loop.
 */
export type FinishReason = 'stop' | 'length' | 'repetition';

/** What the scheduler needs to know about the model. */
export interface GenerationLimits {
  readonly contextLength: number;
  readonly ropeSwitch: number;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
  /** Ids from here on are no tokens, whatever the width of the logits. */
  readonly vocabulary: number;
  /** Most generations that are under way at once. */
  readonly maxConcurrency: number;
  /** Tokens per prefill call: bounds memory, and how long a running answer waits for a new one's prompt. */
  readonly prefillChunkTokens: number;
}

export interface ScheduledRequest {
  /** Negative numbers are image slots. */
  readonly promptIds: readonly number[];
  /** Make the features of each image, in order. They may be called twice. */
  readonly images: readonly (() => Promise<ImageFeatures>)[];
  readonly maxTokens: number;
  /** The first tokens of the answer, made by an earlier run. */
  readonly resume: readonly number[];
  readonly sampling: Sampling;
}

export interface ScheduledHooks {
  readonly signal?: AbortSignal | undefined;
  /** Gets each new token. A reason ends the answer; the token belongs to it. */
  readonly onToken?: ((token: number) => FinishReason | undefined) | undefined;
}

export interface ScheduledGeneration {
  /** The whole answer, resumed tokens included, the stop token not. */
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  /** Time of the model: its own images and chunks, and its share of the steps that it was part of. */
  readonly modelSeconds: number;
  /** Rows that its steps had on average: how much it shared them. 0 where it took none. */
  readonly averageBatchSize: number;
}

export interface Scheduler {
  /** @throws ModelError `context_exceeded`, `memory_exceeded`, `prompt_invalid`, `cancelled`, `runtime`. */
  generate(request: ScheduledRequest, hooks?: ScheduledHooks): Promise<ScheduledGeneration>;
  /** Generations that wait, are prefilled, and decode. */
  readonly load: { readonly waiting: number; readonly preparing: number; readonly running: number };
  /** Pictures, chunks and steps that have been run. While there is load and this does not grow, something hangs. */
  readonly progress: number;
  /** Cancels everything, and waits until nothing is run any more: only then may the graphs be closed. */
  close(): Promise<void>;
}

interface Job {
  readonly request: ScheduledRequest;
  readonly hooks: ScheduledHooks;
  readonly sampler: Sampler;
  /** Prompt and answer so far. */
  readonly ids: number[];
  row: CacheRow | undefined;
  /** Of `ids`, those in the cache. */
  filled: number;
  /** Of `ids`, those that are prefilled; the rest is known and goes in one by one. */
  prefilled: number;
  /** Of the filled ids, image slots. */
  slots: number;
  features: ImageFeatures[];
  modelSeconds: number;
  steps: number;
  /** Rows of all its steps together. */
  stepRows: number;
  readonly resolve: (answer: ScheduledGeneration) => void;
  readonly reject: (error: ModelError) => void;
}

/**
 * Continuous batching: a generation waits for room, is prefilled alone into its own row, chunk by chunk, and then decodes
 * together with all others (Yu et al., 2022, "Orca"). Between any two steps of the running ones at most one chunk, or one
 * picture, of a new one is run. First come, first served: what does not fit yet is passed by nobody, so nobody waits for
 * ever.
 *
 * The rope of this model has two sets of factors, chosen by the total length of each call, and keys in the cache keep the
 * ones they were made with. So no cache crosses `ropeSwitch`: an answer that does is prefilled once more, all of it, with
 * the long factors, and rows on either side never share a step.
 *
 * A step leaves other bits than a prefill of the same token: its attention is computed by other kernels, and where
 * activations are quantised the last bit of a float becomes a whole unit of a byte (7e-3 in the logits after four layers of
 * the int4 graph). Steps of any number of rows leave the same. So what a resumed answer knows goes in as it came the first
 * time, token by token beside the other rows: its end is then that of an undisturbed run, to the last bit.
 */
export function createScheduler(decoder: Decoder, limits: GenerationLimits): Scheduler {
  const waiting: Job[] = [];
  const preparing: Job[] = [];
  const running = new Set<Job>();
  const stops = new Set(limits.stopIds);
  let looping: Promise<void> | undefined;
  let closed = false;
  let progress = 0;

  async function loop(): Promise<void> {
    while (waiting.length + preparing.length + running.size > 0) {
      dropCancelled();
      admit();
      await prepareNext();
      for (const rows of bySlab(running)) await step(rows);
      // Lets messages in, such as a cancel.
      await setImmediate();
    }
  }

  function wake(): void {
    looping ??= loop().finally(() => {
      looping = undefined;
    });
  }

  function leave(job: Job): void {
    job.row?.release();
    job.row = undefined;
    running.delete(job);
    for (const list of [waiting, preparing]) {
      const at = list.indexOf(job);
      if (at >= 0) list.splice(at, 1);
    }
  }

  function fail(job: Job, error: unknown): void {
    leave(job);
    job.reject(asModelError(error));
  }

  function finish(job: Job, finishReason: FinishReason): void {
    leave(job);
    job.resolve({
      tokens: job.ids.slice(job.request.promptIds.length),
      finishReason,
      modelSeconds: job.modelSeconds,
      averageBatchSize: job.steps === 0 ? 0 : job.stepRows / job.steps,
    });
  }

  function dropCancelled(): void {
    for (const job of [...waiting, ...preparing, ...running]) {
      if (closed || job.hooks.signal?.aborted) fail(job, cancelled());
    }
  }

  function admit(): void {
    for (let job = waiting[0]; job !== undefined; job = waiting[0]) {
      if (preparing.length + running.size >= limits.maxConcurrency) return;
      try {
        if (!begin(job)) return;
        waiting.shift();
        preparing.push(job);
      } catch (error) {
        fail(job, error);
      }
    }
  }

  /** Gives the job an empty row and decides how much of what is known is prefilled. False while there is no room. */
  function begin(job: Job): boolean {
    const { promptIds, maxTokens } = job.request;
    const known = job.ids.length;
    const crossed = known > limits.ropeSwitch;
    // Just what a run that was never interrupted has prefilled: its prompt, or all when it came to the switch.
    job.prefilled = crossed ? Math.max(promptIds.length, limits.ropeSwitch + 1) : promptIds.length;
    job.filled = 0;
    job.slots = 0;
    job.row = decoder.open(promptIds.length + maxTokens, crossed);
    return job.row !== undefined;
  }

  /** Runs one picture or one chunk of the first generation that is not prefilled yet. */
  async function prepareNext(): Promise<void> {
    const [job] = preparing;
    if (job?.row === undefined) return;
    const { row, ids, prefilled, filled } = job;
    const began = performance.now();
    try {
      const load = job.request.images[job.features.length];
      if (load !== undefined) {
        job.features.push(await load());
        return;
      }
      const chunk = ids.slice(filled, Math.min(prefilled, filled + limits.prefillChunkTokens));
      const slots = chunk.reduce((count, id) => (id < 0 ? count + 1 : count), 0);
      const features = sliceFeatures(job.features, job.slots, slots);
      const last = filled + chunk.length === ids.length;
      const logits = await decoder.prefill(row, chunk, filled, features, last);
      job.filled += chunk.length;
      job.slots += slots;
      if (job.filled < prefilled) return;
      preparing.shift();
      running.add(job);
      job.features = [];
      if (logits !== undefined) extend(job, logits);
    } catch (error) {
      fail(job, error);
    } finally {
      progress += 1;
      job.modelSeconds += (performance.now() - began) / 1000;
    }
  }

  /** One token for each of `jobs`, whose rows lie in one slab. */
  async function step(jobs: readonly Job[]): Promise<void> {
    const began = performance.now();
    try {
      const logits = await decoder.step(jobs.flatMap(nextOf));
      progress += 1;
      const seconds = (performance.now() - began) / 1000 / jobs.length;
      for (const [i, job] of jobs.entries()) {
        job.modelSeconds += seconds;
        job.steps += 1;
        job.stepRows += jobs.length;
        job.filled += 1;
        const predicted = logits[i];
        if (job.filled === job.ids.length && predicted !== undefined) extend(job, predicted);
      }
    } catch (error) {
      for (const job of jobs) fail(job, error);
    }
  }

  /** Chooses the next token of a job whose ids are all in the cache. */
  function extend(job: Job, logits: Float32Array): void {
    const { request, hooks, ids, sampler, row } = job;
    try {
      const token = sampler.next(logits, ids, ids.length - request.promptIds.length);
      if (stops.has(token)) {
        finish(job, 'stop');
        return;
      }
      ids.push(token);
      const reason = hooks.onToken?.(token);
      const full = ids.length === request.promptIds.length + request.maxTokens;
      if (reason !== undefined || full) finish(job, reason ?? 'length');
      else if (ids.length > limits.ropeSwitch && row?.slab.long === false) {
        leave(job);
        // It has been admitted already: nobody who came later goes before it.
        waiting.unshift(job);
      }
    } catch (error) {
      fail(job, error);
    }
  }

  return {
    get load() {
      return { waiting: waiting.length, preparing: preparing.length, running: running.size };
    },
    get progress() {
      return progress;
    },
    close: async () => {
      closed = true;
      await looping;
    },
    generate: async (request, hooks = {}) => {
      checkRequest(request, limits);
      decoder.checkFits(request.promptIds.length + request.maxTokens);
      if (closed || hooks.signal?.aborted) throw cancelled();
      if (request.resume.length === request.maxTokens) {
        return { tokens: request.resume, finishReason: 'length', modelSeconds: 0, averageBatchSize: 0 };
      }
      const sampler = createSampler(request.sampling, limits.vocabulary);
      return new Promise((resolve, reject) => {
        waiting.push({
          request,
          hooks,
          sampler,
          ids: [...request.promptIds, ...request.resume],
          row: undefined,
          filled: 0,
          prefilled: 0,
          slots: 0,
          features: [],
          modelSeconds: 0,
          steps: 0,
          stepRows: 0,
          resolve,
          reject,
        });
        wake();
      });
    },
  };
}

/** What a running job puts into a step: its first id that is not in the cache. There always is one. */
function nextOf({ row, ids, filled }: Job): readonly StepRow[] {
  const id = ids[filled];
  return row === undefined || id === undefined ? [] : [{ row, id, position: filled }];
}

function bySlab(jobs: Iterable<Job>): readonly (readonly Job[])[] {
  const groups = new Map<CacheSlab, Job[]>();
  for (const job of jobs) {
    if (job.row === undefined) continue;
    const group = groups.get(job.row.slab);
    if (group === undefined) groups.set(job.row.slab, [job]);
    else group.push(job);
  }
  return [...groups.values()];
}

function checkRequest(request: ScheduledRequest, limits: GenerationLimits): void {
  const { promptIds, maxTokens, resume } = request;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new ModelError('prompt_invalid', 'The number of tokens to generate must be a positive integer.');
  }
  if (promptIds.length + maxTokens > limits.contextLength) {
    const sum = `${promptIds.length} tokens of prompt and ${maxTokens} of answer`;
    throw new ModelError(
      'context_exceeded',
      `${sum} do not fit into the context of ${limits.contextLength}.`,
    );
  }
  const isToken = (id: number): boolean =>
    Number.isSafeInteger(id) && id >= 0 && id < limits.vocabulary && !limits.stopIds.includes(id);
  if (resume.length > maxTokens || !resume.every(isToken)) {
    throw new ModelError(
      'prompt_invalid',
      'The tokens to resume from are not the start of an answer to this prompt.',
    );
  }
}

function cancelled(): ModelError {
  return new ModelError('cancelled', 'The generation was cancelled.');
}
