import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../phi3v/engine/model.ts';
import {
  encodePaddedImage,
  type GenerateRequest,
  hdTransform,
  type ModelHost,
  startModelHost,
} from '../../phi3v/index.ts';
import { COLOURS, DESCRIBE, drawCircle, endlessModel, TINY } from './support.ts';

let scratch: string;
let imagePath: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'frameloom-host-'));
  imagePath = join(scratch, 'picture.bin');
  await writeFile(imagePath, encodePaddedImage(hdTransform(drawCircle(COLOURS.red, COLOURS.blue, 0), 1)));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const describePicture = (): GenerateRequest => ({
  prompt: [{ text: '1:\n' }, { image: 0 }, { text: DESCRIBE }],
  images: [{ key: 'image', path: imagePath }],
  maxTokens: 64,
});
const hello = (maxTokens: number): GenerateRequest => ({
  prompt: [{ text: 'Hello' }],
  images: [],
  maxTokens,
});

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
  beforeAll(async () => {
    host = await startModelHost({ folder: TINY, threads: 1 });
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
  });

  it('returns the same output as the model in this process', async () => {
    await using model = await openModel({ folder: TINY, threads: 1 });
    // What was free when each was loaded differs.
    expect({ ...host.info, maxMemoryBytes: 0 }).toEqual(
      JSON.parse(JSON.stringify({ ...model.info, maxMemoryBytes: 0 })),
    );
    const [there, here] = [await host.generate(describePicture()), await model.generate(describePicture())];
    expect({ ...there, modelSeconds: 0 }).toEqual({ ...here, modelSeconds: 0 });
  });

  it('reports every new token and all text once and in order', async () => {
    const seen: number[] = [];
    let text = '';
    const answer = await host.generate(describePicture(), {
      onTokens: (fresh) => seen.push(...fresh),
      onText: (piece) => {
        text += piece;
      },
    });
    expect([seen, text]).toEqual([answer.tokens, answer.text]);

    const resumed: number[] = [];
    const resume = answer.tokens.slice(0, 5);
    await host.generate({ ...describePicture(), resume }, { onTokens: (fresh) => resumed.push(...fresh) });
    expect(resumed).toEqual(answer.tokens.slice(5));
  });

  it("fails with what the caller's own callback throws", async () => {
    const mistake = new Error('mine');
    const answer = host.generate(describePicture(), {
      onTokens: () => {
        throw mistake;
      },
    });
    await expect(answer).rejects.toBe(mistake);
  });

  it('runs concurrent calls together, each with its own generation', async () => {
    const [a, b, c] = await Promise.all([
      host.generate(describePicture()),
      host.generate(hello(12)),
      host.generate({ ...describePicture(), maxTokens: 3 }),
    ]);
    expect(a.text).toBe('1. A red circle on the left, on a blue background.');
    expect(b.tokens).toEqual((await host.generate(hello(12))).tokens);
    expect(c.tokens).toEqual(a.tokens.slice(0, 3));
    expect(Math.max(a.averageBatchSize, b.averageBatchSize)).toBeGreaterThan(1);
  });

  it('reports rejections with their code', async () => {
    const refused = (request: GenerateRequest) => expect(host.generate(request)).rejects;
    await refused({ ...describePicture(), prompt: [] }).toMatchObject({ code: 'prompt_invalid' });
    await refused(hello(99_999)).toMatchObject({ code: 'context_exceeded' });
    const broken = join(scratch, 'broken.bin');
    await writeFile(broken, 'broken');
    const images = [{ key: 'broken', path: broken }];
    await refused({ ...describePicture(), images }).toMatchObject({ code: 'image_invalid' });
  });

  it('kills a host that ignores a cancellation, and continues the other calls in the next host', async () => {
    await using impatient = await startModelHost({ folder: TINY, threads: 1, cancelGraceMs: 1 });
    const pid = pidOf(impatient);
    process.kill(pid, 'SIGSTOP');
    const abort = new AbortController();
    const answer = impatient.generate(hello(5), { signal: abort.signal });
    const other = impatient.generate(describePicture());
    setImmediate(() => abort.abort());
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect(exists(pid)).toBe(false);
    expect((await other).finishReason).toBe('stop');
    expect(pidOf(impatient)).not.toBe(pid);
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

describe('during a generation that never ends', () => {
  // Sampled, so that it does not go round in circles.
  const endless = (maxTokens = 4000): GenerateRequest => ({
    ...hello(maxTokens),
    sampling: { temperature: 3, seed: 5 },
  });
  let folder: string;
  let host: ModelHost;
  let restarts: string[];
  beforeAll(async () => {
    folder = await endlessModel();
    restarts = [];
    host = await startModelHost({
      folder,
      threads: 1,
      cancelGraceMs: 60_000,
      onRestart: (reason) => restarts.push(reason),
    });
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('a cancel stops it, and the same process goes on with the others', async () => {
    const pid = host.pid;
    const abort = new AbortController();
    const onTokens = (): void => abort.abort();
    const answer = host.generate(endless(), { signal: abort.signal, onTokens });
    const next = host.generate(endless(2));
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect((await next).tokens.length).toBe(2);
    expect(host.pid).toBe(pid);
  });

  it('a call that is cancelled before it is made is not made', async () => {
    const answer = host.generate(hello(3), { signal: AbortSignal.abort() });
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('a kill loses nothing: all calls continue in the next process, with the same output', async () => {
    const undisturbed = await host.generate(endless(60));
    const pid = pidOf(host);
    restarts.length = 0;
    const seen: number[] = [];
    let text = '';
    let other = '';
    const [answer, beside] = await Promise.all([
      host.generate(endless(60), {
        onTokens: (tokens) => {
          seen.push(...tokens);
          if (seen.length > 20 && host.pid === pid) process.kill(pid, 'SIGKILL');
        },
        onText: (piece) => {
          text += piece;
        },
      }),
      host.generate(describePicture(), {
        onText: (piece) => {
          other += piece;
        },
      }),
    ]);
    expect(answer.tokens).toEqual(undisturbed.tokens);
    // Nothing is said twice, nothing is left out.
    expect([seen, text, other]).toEqual([undisturbed.tokens, undisturbed.text, beside.text]);
    expect(pidOf(host)).not.toBe(pid);
    expect(restarts).toEqual(['The model process ended unexpectedly.']);
  });

  it('a call that kills every host fails after the second, and concurrent calls do not', async () => {
    const poison = host.generate(endless(), {
      onTokens: () => {
        if (host.pid !== undefined) process.kill(host.pid, 'SIGKILL');
      },
    });
    const beside = [host.generate(endless(40)), host.generate(endless(41))];
    await expect(poison).rejects.toMatchObject({ code: 'crashed' });
    const answers = await Promise.all(beside);
    expect(answers.map(({ tokens }) => tokens.length)).toEqual([40, 41]);
  });

  it('a host that hangs is killed, and its calls continue in the next', async () => {
    await using hanging = await startModelHost({
      folder,
      threads: 1,
      hangTimeoutMs: 1500,
      onRestart: (reason) => restarts.push(reason),
    });
    restarts.length = 0;
    const pid = pidOf(hanging);
    let stopped = false;
    const answer = await hanging.generate(endless(50), {
      onTokens: () => {
        if (!stopped) process.kill(pid, 'SIGSTOP');
        stopped = true;
      },
    });
    expect(answer.tokens).toEqual((await hanging.generate(endless(50))).tokens);
    expect(restarts[0]).toMatch(/no progress/);
    expect(exists(pid)).toBe(false);
  });

  it('a host that hangs before its first token is killed', async () => {
    await using hanging = await startModelHost({ folder, threads: 1, hangTimeoutMs: 1500 });
    const pid = pidOf(hanging);
    const seen: number[] = [];
    const answer = hanging.generate(endless(20), { onTokens: (tokens) => seen.push(...tokens) });
    process.kill(pid, 'SIGSTOP');
    expect(seen).toEqual([]);
    expect((await answer).tokens).toEqual(seen);
    expect(seen).toHaveLength(20);
    expect(exists(pid)).toBe(false);
  });

  it('a host that uses too much memory is restarted between two generations', async () => {
    let anew: (reason: string) => void = () => {};
    const restarted = new Promise<string>((resolve) => {
      anew = resolve;
    });
    // Any process takes more than one byte.
    await using growing = await startModelHost({ folder, threads: 1, maxProcessBytes: 1, onRestart: anew });
    const pid = pidOf(growing);
    const answer = await growing.generate(endless(300));
    expect(answer.tokens.length).toBe(300);
    // Whether the next call is there already or comes later.
    expect(await restarted).toMatch(/memory/);
    const next = await growing.generate(endless(2));
    expect(next.tokens).toEqual(answer.tokens.slice(0, 2));
    expect(pidOf(growing)).not.toBe(pid);
  });

  it('closing the host cancels it, and leaves no process', async () => {
    const pid = pidOf(host);
    const refused = expect(host.generate(endless())).rejects.toMatchObject({ code: 'cancelled' });
    await host[Symbol.asyncDispose]();
    await refused;
    expect(exists(pid)).toBe(false);
    await expect(host.generate(hello(1))).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('closing the host cancels a restart', async () => {
    const short = await startModelHost({ folder, threads: 1 });
    const onTokens = (): void => {
      if (short.pid !== undefined) process.kill(short.pid, 'SIGKILL');
    };
    const refused = expect(short.generate(endless(), { onTokens })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await expect.poll(() => short.pid).toBeUndefined();
    await short[Symbol.asyncDispose]();
    await refused;
    expect(short.pid).toBeUndefined();
  });
});
