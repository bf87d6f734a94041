/** Generations that survive their worker, with a model that answers one token at a time. */
import { AsyncResource } from 'node:async_hooks';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGpuActivities } from '../../activities/index.ts';
import { digest as digestOf } from '../../core/canonical-json.ts';
import { ModelError } from '../../onnx/index.ts';
import type { GenerateOptions, GenerateRequest, Generator } from '../../phi3v/index.ts';
import type { GpuActivities } from '../../schema/activities.ts';
import { jobIdFor } from '../../schema/ids.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import { type PlanShard, SHARD_VERSION } from '../../schema/shards.ts';
import type { DescribeSegmentInput, DescribeSegmentOutput } from '../../schema/stages.ts';
import { type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { checkpointName, shardName } from '../../store/names.ts';

const profile = ModelProfile.parse({
  name: 'm',
  revision: 'r1',
  license: 'MIT',
  prompt_style: 'numbered-lines',
  follows_instructions: false,
  detail: { low: 1, medium: 1, high: 1 },
  images_per_prompt: { '1': 4 },
  merge: { captions: 4, parts: 3 },
  evidence: 1,
  tokens: { caption_per_image: 64, summary: 512, title: 24 },
});
const ANSWER = Array.from({ length: 200 }, (_, index) => index);

/** Tokens come from another process: the callback that brings them runs in no activity's context. */
const outside = new AsyncResource('model host');

/** A model whose answer to anything is the tokens 0, 1, 2 … 199, spelled `1. 0 1 2 …`. */
function countingGenerator(
  during: (tokens: number, signal?: AbortSignal) => Promise<void> | void = () => undefined,
  words: string = ANSWER.join(' '),
): Generator & {
  readonly requests: GenerateRequest[];
  encoded: number;
} {
  const generator = {
    info: { runtime: 'counting', maxConcurrency: 1, supportsResume: true },
    requests: [] as GenerateRequest[],
    encoded: 0,
    async generate(request: GenerateRequest, options: GenerateOptions = {}) {
      generator.requests.push(request);
      for (const [index, { featuresPath, saveFeaturesTo }] of request.images.entries()) {
        if (featuresPath !== undefined) continue;
        generator.encoded += 1;
        if (saveFeaturesTo === undefined) continue;
        await writeFile(saveFeaturesTo, 'features');
        outside.runInAsyncScope(() => options.onFeaturesSaved?.(index));
      }
      for (let token = request.resume?.length ?? 0; token < ANSWER.length; token += 1) {
        await during(token, options.signal);
        options.signal?.throwIfAborted();
        outside.runInAsyncScope(() => options.onTokens?.([token]));
      }
      return {
        tokens: ANSWER,
        text: `1. ${words}`,
        finishReason: 'stop' as const,
        promptTokens: 10,
        imageTokens: 2,
        outputTokens: ANSWER.length,
        modelSeconds: 1.5,
        visionCalls: 1,
        averageBatchSize: 1,
      };
    },
    async [Symbol.asyncDispose]() {},
  };
  return generator;
}

let root: string;
let store: ArtifactStore;
/** What the plan says of the segment. */
let input: Omit<PlanShard, 'segments'>;
let keepFeatures: boolean;
beforeEach(async () => {
  keepFeatures = true;
  root = await mkdtemp(join(tmpdir(), 'frameloom-generation-'));
  store = createFolderStore(root);
  const header = new Uint8Array(12 + 3);
  await store.put('crops/a.bin', header);
  input = {
    model: {
      name: 'm',
      revision: 'r1',
      crops: 1,
      maxImages: 4,
      promptTokens: 4096,
      merge: profile.merge,
      tokens: { captionPerImage: 64, summary: 512, title: 24 },
      evidence: 1,
      maxQuotedTokens: 0,
    },
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

function attempt(
  number: number,
  info: { readonly activityId?: string; readonly heartbeatDetails?: unknown } = {},
): MockActivityEnvironment {
  return new MockActivityEnvironment({ ...info, attempt: number }, { logger: new DefaultLogger('ERROR') });
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Settles when `signal` aborts. */
function once(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()));
}

function gpuActivities(generator: Generator, revision = 'r1', kept = store): GpuActivities {
  return createGpuActivities({
    store: kept,
    profile: { ...profile, revision },
    generator,
    scratch: root,
    keepFeatures,
  });
}

/** One attempt at the segment, on a worker that runs `revision` of the model. */
async function describeSegment(
  generator: Generator,
  environment = attempt(1),
  revision = 'r1',
  kept = store,
): Promise<DescribeSegmentOutput> {
  return environment.run(gpuActivities(generator, revision, kept).describeSegment, await planned());
}

/** Puts the segment into a plan. */
async function planned(brief = input): Promise<DescribeSegmentInput> {
  const place = { jobId: await jobIdFor('t', 'k'), run: await digestOf(brief), shard: 0 };
  const frames = [{ name: 'frames/a', crops: 'crops/a.bin', slide: 1 }];
  const plan: PlanShard = { ...brief, segments: [{ index: 0, first: 0, frames }] };
  const name = shardName(place.jobId, place.run, 'segments', 0);
  await store.put(name, new TextEncoder().encode(JSON.stringify({ version: SHARD_VERSION, ...plan })));
  return { ...place, entry: 0 };
}

/** The captions of a generation, as its artifact has them. */
async function captionsOf({ generation }: DescribeSegmentOutput): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await store.bytes(generation))).lines;
}

async function names(prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of store.list(prefix)) found.push(name);
  return found;
}

async function checkpoints(): Promise<readonly string[]> {
  return (await names('checkpoints/')).filter((name) => !name.includes('/begun-'));
}

/** Everything in the store, with its hash. */
async function snapshot(): Promise<unknown> {
  return Promise.all((await names('')).map((name) => store.head(name)));
}

describe('a generation', () => {
  it('is made once: the second call finds it, and asks the model for nothing', async () => {
    const generator = countingGenerator();
    const first = await describeSegment(generator);
    const second = await describeSegment(generator);
    expect(first.cached).toBe(false);
    expect(second).toEqual({ ...first, cached: true, gpuSeconds: 0, visionCalls: 0, rows: 0 });
    expect(generator.requests).toHaveLength(1);
    expect(generator.encoded).toBe(1);
  });

  it('leaves its tokens in the store when it is stopped, and the next attempt goes on from exactly there', async () => {
    const environment = attempt(1);
    const stopped = countingGenerator((token) => {
      if (token === 57) environment.cancel('WORKER_SHUTDOWN');
    });
    await expect(describeSegment(stopped, environment)).rejects.toBeInstanceOf(CancelledFailure);
    expect(await names('checkpoints/')).toHaveLength(1); // its note is gone

    const next = countingGenerator();
    const output = await describeSegment(next);
    expect(next.requests[0]?.resume).toEqual(ANSWER.slice(0, 57));
    expect(next.encoded).toBe(0);
    const captions = await captionsOf(output);
    expect(captions).toEqual(await captionsOf(await createUndisturbed()));
    expect(await names('checkpoints/')).toEqual([]);
  });

  it('writes a checkpoint when a second and 32 tokens have passed, and the next attempt goes on from the last one', async () => {
    const environment = attempt(1);
    vi.useFakeTimers({ toFake: ['performance'] });
    let killed: Promise<DescribeSegmentOutput>;
    try {
      const reached = deferred();
      // Killed without a word: it never comes back from there.
      const dying = countingGenerator(async (token, signal) => {
        vi.advanceTimersByTime(50);
        if (token !== 150) return;
        await vi.waitFor(async () => expect(await checkpoints()).toHaveLength(4));
        reached.resolve();
        await once(signal);
      });
      killed = describeSegment(dying, environment);
      killed.catch(() => undefined);
      await reached.promise;
    } finally {
      vi.useRealTimers();
    }
    const next = countingGenerator();
    await describeSegment(next, attempt(2));
    // 32 tokens take 1.6 s here, so tokens decide: checkpoints at 32, 64, 96 and 128.
    expect(next.requests[0]?.resume).toEqual(ANSWER.slice(0, 128));

    // It was not dead. It wakes up when the other has finished, writes what it has, and changes nothing by
    // it.
    const before = await snapshot();
    environment.cancel('NOT_FOUND');
    await expect(killed).rejects.toBeInstanceOf(CancelledFailure);
    expect(await snapshot()).toEqual(before);
    expect(await names('checkpoints/')).toEqual([]);
  });

  it('of two attempts that finish, the first one counts, and both answer what stands', async () => {
    const first = deferred();
    const late = describeSegment(
      countingGenerator((token) => (token === 100 ? first.promise : undefined), 'other words'),
      attempt(1),
    );
    const made = await describeSegment(countingGenerator(), attempt(2));
    const before = await snapshot();
    first.resolve();
    expect((await late).generation).toBe(made.generation);
    expect(await snapshot()).toEqual(before);
  });

  describe('takes the furthest checkpoint', () => {
    let digest: string;
    beforeEach(async () => {
      const first = await describeSegment(countingGenerator());
      digest = first.generation.slice('generations/'.length, -'.json'.length);
      await store.delete(first.generation);
      await put(10, 1, { digest, tokens: ANSWER.slice(0, 10) });
      await put(20, 2, { digest, tokens: ANSWER.slice(0, 20) });
    });
    const put = (tokens: number, writer: number, body: unknown): Promise<unknown> =>
      store.put(checkpointName(digest, tokens, writer), new TextEncoder().encode(JSON.stringify(body)));
    const resumed = async (environment = attempt(5)): Promise<readonly number[] | undefined> => {
      const generator = countingGenerator();
      await describeSegment(generator, environment);
      return generator.requests[0]?.resume;
    };

    it('of all attempts', async () => {
      expect(await resumed()).toEqual(ANSWER.slice(0, 20));
    });

    it('that is of this generation: one with another digest is refused', async () => {
      await put(40, 3, { digest: 'of something else', tokens: [9, 9, 9] });
      expect(await resumed()).toEqual(ANSWER.slice(0, 20));
    });

    it('that is whole: no JSON, no tokens, bytes that do not match their hash are passed over', async () => {
      await put(50, 4, 'not a checkpoint');
      await put(60, 4, { digest });
      await put(70, 4, { digest, tokens: ANSWER.slice(0, 70) });
      const damaged = join(root, ...checkpointName(digest, 70, 4).split('/'), 'data');
      await writeFile(damaged, (await readFile(damaged, 'utf8')).replace('0', '7'));
      expect(await resumed()).toEqual(ANSWER.slice(0, 20));
    });

    it('in the store: where the last heartbeat points to, though it is gone, is a hint only', async () => {
      const details = { checkpoint: checkpointName(digest, 90, 4) };
      expect(await resumed(attempt(5, { heartbeatDetails: details }))).toEqual(ANSWER.slice(0, 20));
    });

    it('and waits for a store that does not answer, which may have a further one', async () => {
      const silent: ArtifactStore = {
        ...store,
        bytes: async (name) => {
          if (name.includes('00000020')) throw new StoreError('unavailable', 'no answer');
          return store.bytes(name);
        },
      };
      await expect(describeSegment(countingGenerator(), attempt(5), 'r1', silent)).rejects.toMatchObject({
        type: 'storage_unavailable',
        nonRetryable: false,
      });
    });
  });

  it('keeps image features as artifacts, so that another prompt over the same pictures makes none', async () => {
    const generator = countingGenerator();
    await describeSegment(generator);
    expect(await names('features/')).toHaveLength(1);
    input = { ...input, instruction: 'Only the colours.' };
    await describeSegment(generator);
    expect([generator.requests.length, generator.encoded]).toEqual([2, 1]);
    expect((await readdir(root)).filter((name) => name.startsWith('features-'))).toEqual([]);
  });

  it('keeps none where it shall not', async () => {
    keepFeatures = false;
    await describeSegment(countingGenerator());
    expect(await names('features/')).toEqual([]);
  });

  it('costs what the model says that it worked on it, not what it waited', async () => {
    expect((await describeSegment(countingGenerator())).gpuSeconds).toBe(1.5);
  });

  it('is another one for another model', async () => {
    const generator = countingGenerator();
    const first = await describeSegment(generator);
    input = { ...input, model: { ...input.model, revision: 'r2' } };
    const other = await describeSegment(generator, attempt(1), 'r2');
    expect(other.generation).not.toBe(first.generation);
    expect(generator.encoded).toBe(2);
  });

  it('is refused by a worker with another model, so that one with the right model takes it', async () => {
    await expect(describeSegment(countingGenerator(), attempt(1), 'r2')).rejects.toMatchObject({
      type: 'model_mismatch',
      nonRetryable: false,
    });
  });

  it('is tried again when an endpoint asks for it, and not when it will never be served', async () => {
    const failing = (error: ModelError): Generator =>
      countingGenerator(() => {
        throw error;
      });
    const later = new ModelError('unavailable', 'No room.', { retryAfterMs: 7000 });
    await expect(describeSegment(failing(later), attempt(50))).rejects.toMatchObject({
      type: 'model_unavailable',
      nonRetryable: false,
      nextRetryDelay: 7000,
    });
    await expect(
      describeSegment(failing(new ModelError('rejected', 'The key is wrong.'))),
    ).rejects.toMatchObject({
      type: 'model_rejected',
      nonRetryable: true,
    });
  });

  describe('that kills its worker', () => {
    /** An attempt that dies at `token`: nothing of it comes back. */
    async function die(number: number, token: number, settings = {}): Promise<void> {
      const reached = deferred();
      const dying = countingGenerator((reaching) => {
        if (reaching !== token) return;
        reached.resolve();
        return new Promise(() => {});
      });
      describeSegment(dying, attempt(number, settings)).catch(() => undefined);
      await reached.promise;
      await vi.waitFor(async () => expect(await notes()).toHaveLength(number));
    }
    const notes = async (): Promise<readonly string[]> =>
      (await names('checkpoints/')).filter((name) => name.includes('/begun-'));

    it('is given up after five attempts without progress', async () => {
      for (let number = 1; number <= 5; number += 1) await die(number, 0);
      const next = countingGenerator();
      await expect(describeSegment(next, attempt(6))).rejects.toMatchObject({
        type: 'segment_poisoned',
        nonRetryable: true,
      });
      expect(next.requests).toEqual([]);
    });

    it('is not given up by an activity of another job, whose attempts have not died', async () => {
      for (let number = 1; number <= 5; number += 1) await die(number, 0);
      const other = await describeSegment(countingGenerator(), attempt(1, { activityId: 'another' }));
      expect(await captionsOf(other)).toHaveLength(1);
      // Made by that job, it is there for the first one too.
      expect((await describeSegment(countingGenerator(), attempt(6))).cached).toBe(true);
    });

    it('is tried for ever while every attempt gets further, or ends in an orderly way', async () => {
      vi.useFakeTimers({ toFake: ['performance'] });
      try {
        for (let number = 1; number <= 5; number += 1) {
          const environment = attempt(number);
          const stopped = countingGenerator((token) => {
            if (token === number * 7) environment.cancel('WORKER_SHUTDOWN');
          });
          await expect(describeSegment(stopped, environment)).rejects.toBeInstanceOf(CancelledFailure);
        }
        expect(await notes()).toEqual([]);
      } finally {
        vi.useRealTimers();
      }
      for (let number = 1; number <= 4; number += 1) await die(number, 35);
      const digest = (await names('checkpoints/'))[0]?.split('/')[1] ?? '';
      await store.put(
        checkpointName(digest, 40, 9),
        new TextEncoder().encode(JSON.stringify({ digest, tokens: ANSWER.slice(0, 40) })),
      );
      await die(5, 40);
      const next = countingGenerator();
      await describeSegment(next, attempt(6));
      expect(next.requests[0]?.resume).toEqual(ANSWER.slice(0, 40));
      expect(await names('checkpoints/')).toEqual([]);
    });

    it('counts the deaths of its model, with what it had made until then', async () => {
      const crashing = countingGenerator((token) => {
        if (token === 30) throw new ModelError('crashed', 'The model process ended unexpectedly.');
      });
      // The first one leaves 30 tokens; the five after it die where they begin.
      for (let number = 1; number <= 6; number += 1) {
        await expect(describeSegment(crashing, attempt(number))).rejects.toMatchObject({
          type: 'model_crashed',
          nonRetryable: false,
        });
      }
      expect(crashing.requests.map(({ resume }) => resume?.length)).toEqual([0, 30, 30, 30, 30, 30]);
      await expect(describeSegment(crashing, attempt(7))).rejects.toMatchObject({
        type: 'segment_poisoned',
        nonRetryable: true,
      });
    });

    it('counts mistakes of our own as well, and none of the store', async () => {
      const failing = (error: Error): Generator =>
        countingGenerator(() => {
          throw error;
        });
      for (let number = 1; number <= 6; number += 1) {
        const full = failing(new StoreError('full', 'the disk is full'));
        await expect(describeSegment(full, attempt(number))).rejects.toMatchObject({ type: 'storage_full' });
      }
      for (let number = 7; number <= 11; number += 1) {
        const mistaken = failing(new TypeError('x is not a function'));
        await expect(describeSegment(mistaken, attempt(number))).rejects.toMatchObject({ type: 'internal' });
      }
      await expect(describeSegment(countingGenerator(), attempt(12))).rejects.toMatchObject({
        type: 'segment_poisoned',
      });
    });

    it('is alone with the model from its third attempt on, so that those beside it do not share its fate', async () => {
      await die(1, 0);
      await die(2, 0);
      const order: string[] = [];
      const generator = countingGenerator(() => new Promise(setImmediate));
      const { generate } = generator;
      generator.generate = async (request, options) => {
        const who = JSON.stringify(request.prompt).includes('beside') ? 'another' : 'the suspect';
        order.push(`${who} begins`);
        const answer = await generate(request, options);
        order.push(`${who} ends`);
        return answer;
      };
      const { describeSegment: run } = gpuActivities(generator);
      const beside = async (activityId: string): Promise<DescribeSegmentOutput> =>
        attempt(1, { activityId }).run(run, await planned({ ...input, instruction: `beside ${activityId}` }));
      await Promise.all([beside('a'), attempt(3).run(run, await planned()), beside('b')]);
      const at = order.indexOf('the suspect begins');
      expect(order.slice(at, at + 2)).toEqual(['the suspect begins', 'the suspect ends']);
      const begun = order.slice(0, at).filter((event) => event === 'another begins').length;
      const ended = order.slice(0, at).filter((event) => event === 'another ends').length;
      expect(begun).toBe(ended);
    });
  });

  async function createUndisturbed(): Promise<DescribeSegmentOutput> {
    for (const name of await names('generations/')) await store.delete(name);
    return describeSegment(countingGenerator());
  }
});
