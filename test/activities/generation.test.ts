/** Generations that survive their worker, with a model that answers one token at a time. */
import { AsyncResource } from 'node:async_hooks';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGpuActivities } from '../../activities/index.ts';
import { type GenerateOptions, type GenerateRequest, type Generator, ModelError } from '../../phi3v/index.ts';
import { ModelProfile } from '../../schema/model-profile.ts';
import type { DescribeInput, DescribeOutput } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder-store.ts';
import { checkpointName } from '../../store/names.ts';

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
): Generator & {
  readonly requests: GenerateRequest[];
  encoded: number;
} {
  const generator = {
    info: { runtime: 'counting', rows: 1, resumes: true },
    requests: [] as GenerateRequest[],
    encoded: 0,
    async generate(request: GenerateRequest, options: GenerateOptions = {}) {
      generator.requests.push(request);
      for (const [index, { features, keep }] of request.images.entries()) {
        if (features !== undefined) continue;
        generator.encoded += 1;
        if (keep === undefined) continue;
        await writeFile(keep, 'features');
        outside.runInAsyncScope(() => options.onFeatures?.(index));
      }
      for (let token = request.resume?.length ?? 0; token < ANSWER.length; token += 1) {
        await during(token, options.signal);
        options.signal?.throwIfAborted();
        outside.runInAsyncScope(() => options.onTokens?.([token]));
      }
      return {
        tokens: ANSWER,
        text: `1. ${ANSWER.join(' ')}`,
        finishReason: 'stop' as const,
        promptTokens: 10,
        imageTokens: 2,
        outputTokens: ANSWER.length,
        modelSeconds: 1.5,
        visionCalls: 1,
        rows: 1,
      };
    },
    async [Symbol.asyncDispose]() {},
  };
  return generator;
}

let root: string;
let store: ArtifactStore;
let input: DescribeInput;
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
      wordTokens: 0,
    },
    crops: ['crops/a.bin'],
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

function attempt(number: number): MockActivityEnvironment {
  return new MockActivityEnvironment({ attempt: number }, { logger: new DefaultLogger('ERROR') });
}

/** One attempt at the segment, on a worker that runs `revision` of the model. */
function describeSegment(
  generator: Generator,
  environment = attempt(1),
  revision = 'r1',
): Promise<DescribeOutput> {
  const { describeSegment: run } = createGpuActivities({
    store,
    profile: { ...profile, revision },
    generator,
    scratch: root,
    keepFeatures,
  });
  return environment.run(run, input);
}

async function names(prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of store.list(prefix)) found.push(name);
  return found;
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
    expect(await names('checkpoints/')).toHaveLength(1);

    const next = countingGenerator();
    const output = await describeSegment(next);
    expect(next.requests[0]?.resume).toEqual(ANSWER.slice(0, 57));
    expect(next.encoded).toBe(0);
    const undisturbed = await createUndisturbed();
    expect(output.captions).toEqual(undisturbed.captions);
    expect(await names('checkpoints/')).toEqual([]);
  });

  it('writes a checkpoint when a second and 32 tokens have passed, and a killed attempt goes on from the last one', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const killed = countingGenerator(async (token) => {
        vi.advanceTimersByTime(50);
        if (token !== 150) return;
        await vi.waitFor(async () => expect(await names('checkpoints/')).toHaveLength(4));
        throw new ModelError('crashed', 'The model process ended unexpectedly.');
      });
      await expect(describeSegment(killed)).rejects.toMatchObject({ type: 'model_crashed' });
    } finally {
      vi.useRealTimers();
    }
    const next = countingGenerator();
    await describeSegment(next);
    // 32 tokens take 1.6 s here, so tokens decide: checkpoints at 32, 64, 96 and 128.
    expect(next.requests[0]?.resume).toEqual(ANSWER.slice(0, 128));
  });

  it('takes the furthest checkpoint that is whole and its own', async () => {
    const generator = countingGenerator();
    const first = await describeSegment(generator);
    const digest = first.generation.slice('generations/'.length, -'.json'.length);
    await store.delete(first.generation);
    const put = (tokens: number, writer: number, body: unknown): Promise<unknown> =>
      store.put(checkpointName(digest, tokens, writer), new TextEncoder().encode(JSON.stringify(body)));
    await put(10, 1, { digest, tokens: ANSWER.slice(0, 10) });
    await put(20, 2, { digest, tokens: ANSWER.slice(0, 20) });
    await put(40, 3, { digest: 'of something else', tokens: [9, 9, 9] });
    await put(50, 4, 'not a checkpoint');
    await describeSegment(generator);
    expect(generator.requests[1]?.resume).toEqual(ANSWER.slice(0, 20));
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
      describeSegment(failing(new ModelError('refused', 'The key is wrong.'))),
    ).rejects.toMatchObject({
      type: 'model_refused',
      nonRetryable: true,
    });
  });

  it('may crash its model some times, not for ever', async () => {
    const crashing = countingGenerator(() => {
      throw new ModelError('crashed', 'The model process ended unexpectedly.');
    });
    await expect(describeSegment(crashing, attempt(2))).rejects.toMatchObject({
      type: 'model_crashed',
      nonRetryable: false,
    });
    await expect(describeSegment(crashing, attempt(6))).rejects.toMatchObject({
      type: 'model_crashed',
      nonRetryable: true,
    });
  });

  async function createUndisturbed(): Promise<DescribeOutput> {
    for (const name of await names('generations/')) await store.delete(name);
    return describeSegment(countingGenerator());
  }
});
