import { fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hdTransform, type ImageFeatures, type ModelHost, startModelHost } from '../../phi3v/index.ts';
import { openModel } from '../../phi3v/model.ts';
import { COLOURS, DESCRIBE, drawCircle, endlessModel, TINY } from './support.ts';

const PICTURE = hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 1);
const PROMPT = [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }];
const HELLO = [{ text: 'Hello' }];

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
    await expect(host.generate({ prompt: HELLO, features: [], maxTokens: 99_999 })).rejects.toMatchObject({
      code: 'context_exceeded',
    });
    await expect(host.encodeImage({ ...PICTURE, width: 335 })).rejects.toMatchObject({
      code: 'image_invalid',
    });
  });

  it('kills a host that does not heed a cancel in time', async () => {
    await using impatient = await startModelHost({ folder: TINY, threads: 1, cancelGraceMs: 1 });
    const pid = pidOf(impatient);
    process.kill(pid, 'SIGSTOP');
    const abort = new AbortController();
    const answer = impatient.encodeImage(PICTURE, { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect(impatient.pid).toBeUndefined();
    expect(exists(pid)).toBe(false);
    expect((await impatient.encodeImage(PICTURE)).tokens).toBe(313);
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

describe('in the midst of an answer that never ends', () => {
  const endless = { prompt: HELLO, features: [], maxTokens: 4000 };
  let folder: string;
  let host: ModelHost;
  beforeAll(async () => {
    folder = await endlessModel();
    host = await startModelHost({ folder, threads: 1, cancelGraceMs: 60_000 });
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('a cancel stops it, and the same process goes on with the next call', async () => {
    const pid = host.pid;
    const abort = new AbortController();
    const onTokens = (): void => abort.abort();
    const answer = host.generate(endless, { signal: abort.signal, onTokens });
    const next = host.generate({ ...endless, maxTokens: 2 });
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect((await next).tokens.length).toBe(2);
    expect(host.pid).toBe(pid);
  });

  it('calls that wait behind it can be cancelled too, before and after they were made', async () => {
    const running = new AbortController();
    const answer = host.generate(endless, { signal: running.signal });
    const waiting = new AbortController();
    const queued = host.encodeImage(PICTURE, { signal: waiting.signal });
    waiting.abort();
    running.abort();
    await expect(queued).rejects.toMatchObject({ code: 'cancelled' });
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    await expect(host.encodeImage(PICTURE, { signal: waiting.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('a kill rejects all calls, and the next one starts another process', async () => {
    const pid = pidOf(host);
    const onTokens = (): void => void process.kill(pid, 'SIGKILL');
    const results = await Promise.allSettled([
      host.generate(endless, { onTokens }),
      host.encodeImage(PICTURE),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'crashed' } });
    }
    expect(host.pid).toBeUndefined();
    expect((await host.encodeImage(PICTURE)).tokens).toBe(313);
    expect(pidOf(host)).not.toBe(pid);
  });

  it('closing the host cancels it, and leaves no process', async () => {
    const pid = pidOf(host);
    const refused = expect(host.generate(endless)).rejects.toMatchObject({ code: 'cancelled' });
    await host[Symbol.asyncDispose]();
    await refused;
    expect(exists(pid)).toBe(false);
    await expect(host.encodeImage(PICTURE)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('closing the host while it is started again stops that', async () => {
    const short = await startModelHost({ folder, threads: 1 });
    const onTokens = (): void => void process.kill(pidOf(short), 'SIGKILL');
    await expect(short.generate(endless, { onTokens })).rejects.toMatchObject({ code: 'crashed' });
    const restarting = expect(short.encodeImage(PICTURE)).rejects.toMatchObject({ code: 'cancelled' });
    await short[Symbol.asyncDispose]();
    await restarting;
    expect(short.pid).toBeUndefined();
  });
});
