import { fork } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hdTransform, type ImageFeatures, type ModelHost, startModelHost } from '../../phi3v/index.ts';
import { openModel } from '../../phi3v/model.ts';
import { COLOURS, DESCRIBE, drawCircle, TINY } from './support.ts';

const PICTURE = hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 1);
const PROMPT = [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }];
/** The tiny model repeats itself for long on this one: it was never trained on it. */
const ENDLESS = Array.from(
  { length: 30 },
  (_, i) => `${i + 1}. A red circle on the left, on a blue background.`,
);
const LONG = [{ text: `These are captions of consecutive images:\n${ENDLESS.join('\n')}\nSummarize them.` }];

/** The pid of a host that runs. */
function pidOf(host: ModelHost): number {
  if (host.pid === undefined) throw new Error('The host does not run.');
  return host.pid;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the model host', () => {
  let host: ModelHost;
  let features: ImageFeatures;
  beforeAll(async () => {
    host = await startModelHost({ folder: TINY, threads: 1 });
    features = await host.encodeImage(PICTURE);
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  it('gives what the model gives in this process', async () => {
    const model = await openModel({ folder: TINY, threads: 1 });
    try {
      expect(host.info).toEqual(model.info);
      expect(features).toEqual(await model.encodeImage(PICTURE));
      const request = { prompt: PROMPT, features: [features], maxTokens: 64 };
      expect(await host.generate(request)).toEqual(await model.generate(request));
    } finally {
      await model.close();
    }
  });

  it('reports every new token once and in order', async () => {
    const seen: number[] = [];
    const request = { prompt: PROMPT, features: [features], maxTokens: 64 };
    const { tokens } = await host.generate(request, { onTokens: (fresh) => seen.push(...fresh) });
    expect(seen).toEqual(tokens);

    const resumed: number[] = [];
    const resume = tokens.slice(0, 5);
    await host.generate({ ...request, resume }, { onTokens: (fresh) => resumed.push(...fresh) });
    expect(resumed).toEqual(tokens.slice(5));
  });

  it("fails with what the caller's own callback throws", async () => {
    const mistake = new Error('mine');
    const answer = host.generate(
      { prompt: PROMPT, features: [features], maxTokens: 64 },
      {
        onTokens: () => {
          throw mistake;
        },
      },
    );
    await expect(answer).rejects.toBe(mistake);
  });

  it('answers calls made at the same time, each with its own answer', async () => {
    const request = { prompt: PROMPT, features: [features], maxTokens: 64 };
    const [a, b, c] = await Promise.all([
      host.generate(request),
      host.encodeImage(PICTURE),
      host.generate({ ...request, maxTokens: 3 }),
    ]);
    expect(b).toEqual(features);
    expect(c.tokens).toEqual(a.tokens.slice(0, 3));
  });

  it('reports refusals with their code', async () => {
    await expect(host.generate({ prompt: [], features: [features], maxTokens: 1 })).rejects.toMatchObject({
      code: 'prompt_invalid',
    });
    await expect(host.generate({ prompt: LONG, features: [], maxTokens: 99_999 })).rejects.toMatchObject({
      code: 'context_exceeded',
    });
    await expect(host.encodeImage({ ...PICTURE, width: 335 })).rejects.toMatchObject({
      code: 'image_invalid',
    });
  });

  it('stops a generation that is cancelled, and goes on with the next call in the same process', async () => {
    const pid = host.pid;
    const abort = new AbortController();
    const answer = host.generate(
      { prompt: LONG, features: [], maxTokens: 3000 },
      { signal: abort.signal, onTokens: () => abort.abort() },
    );
    const next = host.generate({ prompt: PROMPT, features: [features], maxTokens: 2 });
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect((await next).tokens.length).toBe(2);
    expect(host.pid).toBe(pid);
  });

  it('does not start what was cancelled before', async () => {
    const signal = AbortSignal.abort();
    await expect(host.encodeImage(PICTURE, { signal })).rejects.toMatchObject({ code: 'cancelled' });
    const abort = new AbortController();
    const running = host.generate({ prompt: PROMPT, features: [features], maxTokens: 5 });
    const queued = host.generate({ prompt: LONG, features: [], maxTokens: 3000 }, { signal: abort.signal });
    abort.abort();
    await expect(queued).rejects.toMatchObject({ code: 'cancelled' });
    expect((await running).tokens.length).toBe(5);
  });

  it('rejects its calls when it is killed, and is started again by the next one', async () => {
    const pid = pidOf(host);
    const calls = [
      host.generate(
        { prompt: LONG, features: [], maxTokens: 3000 },
        { onTokens: () => process.kill(pid, 'SIGKILL') },
      ),
      host.encodeImage(PICTURE),
    ];
    const results = await Promise.allSettled(calls);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'crashed' } });
    }
    expect(host.pid).toBeUndefined();
    expect(await host.encodeImage(PICTURE)).toEqual(features);
    expect(pidOf(host)).not.toBe(pid);
  });

  it('kills a host that does not heed a cancel in time', async () => {
    await using impatient = await startModelHost({ folder: TINY, threads: 1, cancelGraceMs: 0 });
    const pid = pidOf(impatient);
    // The only stop on the way through the first call of such a prompt is its end.
    const lines = Array.from({ length: 4 }, () => ENDLESS.join('\n'));
    const prompt = [{ text: [...lines, ...lines].join('\n') }];
    const abort = new AbortController();
    const answer = impatient.generate({ prompt, features: [], maxTokens: 5 }, { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect(impatient.pid).toBeUndefined();
    expect(exists(pid)).toBe(false);
    expect((await impatient.encodeImage(PICTURE)).tokens).toBe(313);
  });

  it('is gone once closed, with its calls cancelled', async () => {
    const short = await startModelHost({ folder: TINY, threads: 1 });
    const pid = pidOf(short);
    const answer = short.generate({ prompt: LONG, features: [], maxTokens: 3000 });
    const refused = expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    await short[Symbol.asyncDispose]();
    await refused;
    expect(exists(pid)).toBe(false);
    await expect(short.encodeImage(PICTURE)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('ends when its parent is killed', async () => {
    const parent = fork(new URL('host-parent.ts', import.meta.url), [TINY], {
      execArgv: ['--import', 'tsx'],
    });
    const pid = await new Promise<number>((resolve) =>
      parent.once('message', (message) => resolve(Number(message))),
    );
    expect(exists(pid)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => exists(pid), { timeout: 10_000 }).toBe(false);
  });
});
