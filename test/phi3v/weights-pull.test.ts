import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Hub, openHub, pullWeights, startModelHost, type WeightSet } from '../../phi3v/index.ts';
import {
  answer,
  corrupt,
  drop,
  type FakeHub,
  type Fault,
  hang,
  ignoreRange,
  noise,
  redirect,
  startFakeHub,
  truncate,
} from '../support/fake-hub.ts';
import { TINY } from './support.ts';
import { pathOf, publish, watched } from './weights-support.ts';

const CONFIG = Buffer.from('{"the":"config"}');
const DATA = noise('data', 300_000);
const FILES = { 'genai_config.json': CONFIG, 'text.onnx.data': DATA };

let parent: string;
let folder: string;
let server: FakeHub;
let hub: Hub;
let set: WeightSet;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'frameloom-pull-'));
  folder = join(parent, 'model');
  server = await startFakeHub();
  hub = openHub({ endpoint: server.origin, token: 'hf_secret' });
  set = publish(server, FILES);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(parent, { recursive: true, force: true });
});

const read = (name: string): Promise<Buffer> => readFile(join(folder, name));
const exists = (name: string): Promise<boolean> =>
  access(join(folder, name)).then(
    () => true,
    () => false,
  );
/** Ranges asked for, file by file. */
const ranges = (name: string): (string | undefined)[] =>
  server.asked.filter(({ path }) => path === pathOf(name)).map(({ range }) => range);

async function expectWhole(): Promise<void> {
  for (const [name, body] of Object.entries(FILES)) expect((await read(name)).equals(body)).toBe(true);
  expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
}

/** The error has the code, names no path, and the folder does not look complete. */
async function expectRefusal(running: Promise<unknown>, code: string): Promise<Error> {
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'WeightsError', code });
  expect(String(error)).not.toContain(parent);
  expect(await exists('genai_config.json')).toBe(false);
  return error as Error; // it has a name
}

describe('pullWeights', () => {
  it('fills the folder, the configuration last, with our own files before it', async () => {
    const options = watched(hub, { beside: { 'frameloom.json': '{}' } });
    expect(await pullWeights(set, folder, options)).toEqual({
      fetched: 2,
      bytes: CONFIG.length + DATA.length,
    });
    await expectWhole();
    expect(String(await read('frameloom.json'))).toBe('{}');
    expect(server.asked.map(({ path }) => path)).toEqual([
      pathOf('text.onnx.data'),
      pathOf('genai_config.json'),
    ]);
    expect(options.events.at(-1)).toMatchObject({
      type: 'done',
      path: 'genai_config.json',
      allBytes: CONFIG.length + DATA.length,
      allSize: CONFIG.length + DATA.length,
    });
  });

  it('makes a folder that the runtime loads', async () => {
    const names = (await readdir(TINY)).filter((name) => /\.(json|onnx)$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => [name, await readFile(join(TINY, name))] as const),
    );
    const tiny = publish(server, {
      'genai_config.json': Buffer.alloc(0), // the first place is the last file's; its content follows
      ...Object.fromEntries(files),
    });
    await pullWeights(tiny, folder, watched(hub));
    await using host = await startModelHost({ folder });
    expect(host.info.contextLength).toBeGreaterThan(0);
  });

  it('makes no request when everything is there', async () => {
    await pullWeights(set, folder, watched(hub));
    server.asked.length = 0;
    const options = watched(hub);
    expect(await pullWeights(set, folder, options)).toEqual({ fetched: 0, bytes: 0 });
    expect(server.asked).toEqual([]);
    expect(options.events.filter(({ type }) => type === 'kept').length).toBe(2);
  });

  it('fetches a damaged file again, and the configuration, and nothing else', async () => {
    const three = publish(server, { ...FILES, 'vision.onnx': noise('vision', 5000) });
    await pullWeights(three, folder, watched(hub));
    server.asked.length = 0;
    await writeFile(join(folder, 'text.onnx.data'), noise('damage', DATA.length));
    await pullWeights(three, folder, watched(hub));
    await expectWhole();
    expect(server.asked.map(({ path }) => path)).toEqual([
      pathOf('text.onnx.data'),
      pathOf('genai_config.json'),
    ]);
  });

  it('takes the configuration away while another file is not right', async () => {
    await pullWeights(set, folder, watched(hub));
    await rm(join(folder, 'text.onnx.data'));
    server.next(pathOf('text.onnx.data'), answer(404));
    await expectRefusal(pullWeights(set, folder, watched(hub)), 'not_found');
  });

  it('keeps a profile that is there', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'frameloom.json'), 'mine');
    await pullWeights(set, folder, watched(hub, { beside: { 'frameloom.json': '{}' } }));
    expect(String(await read('frameloom.json'))).toBe('mine');
  });
});

describe('a connection that breaks', () => {
  it('is taken up at the first byte that has not arrived', async () => {
    server.next(pathOf('text.onnx.data'), drop(100_000), drop(50_000));
    const options = watched(hub);
    await pullWeights(set, folder, options);
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(options.waits).toEqual([1000, 2000]);
  });

  it('is noticed when the body ends properly but too early', async () => {
    server.next(pathOf('text.onnx.data'), truncate(120_000));
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([undefined, 'bytes=120000-']);
  });

  it('costs the whole file where the server knows no ranges', async () => {
    server.next(pathOf('text.onnx.data'), drop(100_000), ignoreRange);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
  });

  it('costs the whole file where the server answers with another part', async () => {
    const another: Fault = ({ response, body }) => {
      const { length } = body;
      response.writeHead(206, { 'content-range': `bytes 7-${length - 1}/${length}` }).end(body.subarray(7));
    };
    server.next(pathOf('text.onnx.data'), drop(100_000), another);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  it('is given up after so many tries in a row, and what has arrived stays', async () => {
    server.next(pathOf('text.onnx.data'), drop(1000), drop(1000), drop(1000), drop(1000));
    const options = watched(hub);
    await expectRefusal(pullWeights(set, folder, options), 'broken');
    expect(options.waits).toEqual([1000, 2000, 4000]);
    expect((await stat(join(folder, 'text.onnx.data.part'))).size).toBe(4000);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data').at(-1)).toBe('bytes=4000-');
  });

  it('is not counted against a file that made good progress', async () => {
    const large = noise('large', 6 << 20);
    const more = publish(server, { 'genai_config.json': CONFIG, 'large.data': large });
    server.next(pathOf('large.data'), ...Array.from({ length: 5 }, () => drop(1 << 20)));
    const options = watched(hub);
    await pullWeights(more, folder, options);
    expect((await read('large.data')).equals(large)).toBe(true);
    expect(options.waits).toEqual([1000, 1000, 1000, 1000, 1000]);
  });
});

describe('a part left by an earlier run', () => {
  const leave = async (body: Buffer): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'text.onnx.data.part'), body);
  };

  it('is continued', async () => {
    await leave(DATA.subarray(0, 200_000));
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual(['bytes=200000-']);
  });

  it('that is whole costs no request', async () => {
    await leave(DATA);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([]);
  });

  it('that is whole, of a file whose size is not known exactly, costs no byte', async () => {
    set = publish(server, FILES, { exact: false });
    await leave(DATA);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([`bytes=${DATA.length}-`]); // answered 416
  });

  it.each([
    ['has other bytes in it', noise('other', 200_000), true],
    ['is too long', noise('other', 300_001), true],
    ['is too long for a range that the server has', noise('other', 300_001), false],
  ])('that %s is thrown away', async (_what, body, exact) => {
    set = publish(server, FILES, { exact });
    await leave(body);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
  });
});

describe('content that is not what was published', () => {
  it('is fetched once more', async () => {
    server.next(pathOf('text.onnx.data'), corrupt);
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([undefined, undefined]);
  });

  it('is refused the second time, with the checksum', async () => {
    server.next(pathOf('text.onnx.data'), corrupt, corrupt);
    const error = await expectRefusal(pullWeights(set, folder, watched(hub)), 'corrupt');
    expect(error.message).toContain('text.onnx.data');
    expect(error.message).toContain(set.files[1]?.digest.hex);
    expect(await exists('text.onnx.data')).toBe(false);
  });

  it('is seen by its size before it is fetched', async () => {
    const longer = { ...set, files: set.files.map((file) => ({ ...file })) };
    server.content.set(pathOf('text.onnx.data'), Buffer.concat([DATA, DATA]));
    const options = watched(hub);
    await expectRefusal(pullWeights(longer, folder, options), 'corrupt');
    expect(options.events.filter(({ path, bytes }) => path === 'text.onnx.data' && bytes > 0)).toEqual([]);
  });

  it('does not fill the disk when it never ends', async () => {
    const endless: Fault = ({ response }) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(DATA));
      };
      response.on('drain', more);
      more();
    };
    server.next(pathOf('text.onnx.data'), endless, endless);
    await expectRefusal(pullWeights(set, folder, watched(hub)), 'corrupt');
  });
});

describe('a redirect', () => {
  let other: FakeHub;
  beforeEach(async () => {
    other = await startFakeHub();
    other.content.set('signed/data', DATA);
  });
  afterEach(() => other[Symbol.asyncDispose]());

  it('is followed, with the range, but without the token where it leads to another host', async () => {
    const there = redirect(`${other.origin}/signed/data`);
    server.next(pathOf('text.onnx.data'), there, there);
    other.next('signed/data', drop(100_000));
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(other.asked).toEqual([
      { path: 'signed/data', range: undefined, authorization: undefined },
      { path: 'signed/data', range: 'bytes=100000-', authorization: undefined },
    ]);
    expect(new Set(server.asked.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hf_secret']),
    );
  });

  it('within the host keeps the token', async () => {
    server.content.set('renamed', DATA);
    server.next(pathOf('text.onnx.data'), redirect('/renamed'));
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(server.asked.find(({ path }) => path === 'renamed')?.authorization).toBe('Bearer hf_secret');
  });

  it('to an address that is no longer valid is asked for again', async () => {
    const there = redirect(`${other.origin}/signed/data`);
    server.next(pathOf('text.onnx.data'), there, there);
    other.next('signed/data', answer(403));
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
  });

  it.each([
    ['in a circle', `/${pathOf('text.onnx.data')}`],
    ['to something that is no web address', 'file:///etc/passwd'],
  ])('%s is refused', async (_what, location) => {
    server.next(pathOf('text.onnx.data'), ...Array.from({ length: 10 }, () => redirect(location)));
    await expectRefusal(pullWeights(set, folder, watched(hub)), 'refused');
  });
});

describe('a server that refuses', () => {
  it('for now is asked again when it says', async () => {
    server.next(
      pathOf('text.onnx.data'),
      answer(429, { 'retry-after': '7' }),
      answer(503, { 'retry-after': '0' }),
    );
    const options = watched(hub);
    await pullWeights(set, folder, options);
    await expectWhole();
    expect(options.waits).toEqual([7000, 0]);
  });

  it('until a date is asked again then', async () => {
    const header = new Date(Date.now() + 60_000).toUTCString();
    server.next(pathOf('text.onnx.data'), answer(429, { 'retry-after': header }));
    const options = watched(hub);
    await pullWeights(set, folder, options);
    expect(options.waits.length).toBe(1);
    expect(options.waits[0]).toBeGreaterThan(0);
    expect(options.waits[0]).toBeLessThanOrEqual(60_000);
  });

  it('for an hour is not waited for', async () => {
    server.next(pathOf('text.onnx.data'), answer(429, { 'retry-after': '3600' }));
    const options = watched(hub);
    const error = await expectRefusal(pullWeights(set, folder, options), 'busy');
    expect(error.message).toContain('3600 s');
    expect(options.waits).toEqual([]);
  });

  it.each([
    [401, 'unauthorized', 1],
    [403, 'unauthorized', 1],
    [404, 'not_found', 1],
    [410, 'not_found', 1],
    [418, 'refused', 1],
    [503, 'busy', 4],
  ])('with %i ends as %s after %i requests', async (status, code, requests) => {
    server.next(pathOf('text.onnx.data'), ...Array.from({ length: 9 }, () => answer(status)));
    const error = await expectRefusal(pullWeights(set, folder, watched(hub)), code);
    expect(error.message).toContain(String(status));
    expect(ranges('text.onnx.data').length).toBe(requests);
  });

  it('to connect ends as unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const port = typeof address === 'object' ? address?.port : undefined;
    await using nobody = openHub({ endpoint: `http://127.0.0.1:${port}` });
    const error = await expectRefusal(pullWeights(set, folder, watched(nobody)), 'unreachable');
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describe('a pull', () => {
  it('that is stopped keeps what has arrived', async () => {
    const controller = new AbortController();
    server.next(pathOf('text.onnx.data'), hang(100_000));
    const options = watched(hub, {
      signal: controller.signal,
      onEvent: ({ bytes }) => {
        if (bytes === 100_000) controller.abort();
      },
    });
    await expectRefusal(pullWeights(set, folder, options), 'cancelled');
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
    expect(ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-']);
  });

  it('needs room for what is still to come, and says how much', async () => {
    const free = DATA.length + 64e6 - 50_001;
    const options = watched(hub, { freeBytes: async () => free });
    const error = await expectRefusal(pullWeights(set, folder, options), 'disk_full');
    expect(error.message).toMatch(/need 65 MB.* has 65 MB free/);
    expect(server.asked).toEqual([]);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'text.onnx.data.part'), DATA.subarray(0, 60_000));
    await pullWeights(set, folder, options);
    await expectWhole();
  });

  it('into a place that cannot be a folder is told so', async () => {
    await writeFile(folder, 'a file');
    const error = await pullWeights(set, join(folder, 'below'), watched(hub)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'not_writable' });
    expect(String(error)).not.toContain(parent);
  });

  it('goes to a mirror below a path', async () => {
    for (const [name, body] of Object.entries(FILES)) server.content.set(`mirror/${pathOf(name)}`, body);
    await using mirror = openHub({ endpoint: `${server.origin}/mirror` });
    await pullWeights(set, folder, watched(mirror));
    await expectWhole();
    expect(server.asked.every(({ path }) => path.startsWith('mirror/'))).toBe(true);
  });

  it('copes with a folder in the place of a part', async () => {
    await mkdir(join(folder, 'text.onnx.data.part'), { recursive: true });
    await cp(TINY, join(folder, 'text.onnx.data.part'), { recursive: true });
    await pullWeights(set, folder, watched(hub));
    await expectWhole();
  });
});
