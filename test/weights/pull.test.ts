import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startModelHost } from '../../phi3v/index.ts';
import { createHubClient, pullWeights } from '../../weights/index.ts';
import { TINY } from '../phi3v/support.ts';
import {
  corrupt,
  dropAfter,
  endAfter,
  type Fault,
  hangAfter,
  ignoreRange,
  respondWith,
  seededBytes,
} from '../support/fake-hub.ts';
import { CONFIG, DATA, FILES, pathOf, publish, pullBench, watched } from './support.ts';

const bench = pullBench();

describe('pullWeights', () => {
  it('downloads all files, writes additional files, and writes the marker file last', async () => {
    const options = watched(bench.hub, { extraFiles: { 'frameloom.json': '{}' } });
    expect(await pullWeights(bench.set, bench.folder, options)).toEqual({
      fetched: 2,
      bytes: CONFIG.length + DATA.length,
    });
    await bench.expectWhole();
    expect(String(await bench.read('frameloom.json'))).toBe('{}');
    expect(bench.server.requests.map(({ path }) => path)).toEqual([
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

  it('creates a folder that the runtime loads', async () => {
    const names = (await readdir(TINY)).filter((name) => /\.(json|onnx)$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => [name, await readFile(join(TINY, name))] as const),
    );
    const tiny = publish(bench.server, {
      'genai_config.json': Buffer.alloc(0), // listed first, because the first file is the marker file
      ...Object.fromEntries(files),
    });
    await pullWeights(tiny, bench.folder, watched(bench.hub));
    await using host = await startModelHost({ folder: bench.folder });
    expect(host.info.contextLength).toBeGreaterThan(0);
  });

  it('sends no request when all files are complete', async () => {
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    bench.server.requests.length = 0;
    const options = watched(bench.hub);
    expect(await pullWeights(bench.set, bench.folder, options)).toEqual({ fetched: 0, bytes: 0 });
    expect(bench.server.requests).toEqual([]);
    expect(options.events.filter(({ type }) => type === 'unchanged').length).toBe(2);
  });

  it('downloads only a damaged file and the marker file again', async () => {
    const three = publish(bench.server, { ...FILES, 'vision.onnx': seededBytes('vision', 5000) });
    await pullWeights(three, bench.folder, watched(bench.hub));
    bench.server.requests.length = 0;
    await writeFile(join(bench.folder, 'text.onnx.data'), seededBytes('damage', DATA.length));
    await pullWeights(three, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.server.requests.map(({ path }) => path)).toEqual([
      pathOf('text.onnx.data'),
      pathOf('genai_config.json'),
    ]);
  });

  it('removes the marker file while another file is incomplete', async () => {
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await rm(join(bench.folder, 'text.onnx.data'));
    bench.server.injectFaults(pathOf('text.onnx.data'), respondWith(404));
    await bench.expectError(pullWeights(bench.set, bench.folder, watched(bench.hub)), 'not_found');
  });

  it('updates additional files even if all weights are complete', async () => {
    await pullWeights(
      bench.set,
      bench.folder,
      watched(bench.hub, { extraFiles: { 'frameloom.json': 'old' } }),
    );
    await pullWeights(
      bench.set,
      bench.folder,
      watched(bench.hub, { extraFiles: { 'frameloom.json': 'new' } }),
    );
    expect(String(await bench.read('frameloom.json'))).toBe('new');
  });
});

describe('broken connection', () => {
  it('resumes at the first missing byte', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), dropAfter(100_000), dropAfter(50_000));
    const options = watched(bench.hub);
    await pullWeights(bench.set, bench.folder, options);
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-', 'bytes=150000-']);
    expect(options.waits).toEqual([1000, 2000]);
  });

  it('is detected when the body ends early without an error', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), endAfter(120_000));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([undefined, 'bytes=120000-']);
  });

  it('restarts the file when the server ignores ranges', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), dropAfter(100_000), ignoreRange);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
  });

  it('restarts the file when the server returns another range', async () => {
    const another: Fault = ({ response, body }) => {
      const { length } = body;
      response.writeHead(206, { 'content-range': `bytes 7-${length - 1}/${length}` }).end(body.subarray(7));
    };
    bench.server.injectFaults(pathOf('text.onnx.data'), dropAfter(100_000), another);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-', undefined]);
  });

  it('fails after too many attempts in a row and keeps the partial file', async () => {
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      dropAfter(1000),
      dropAfter(1000),
      dropAfter(1000),
      dropAfter(1000),
    );
    const options = watched(bench.hub);
    await bench.expectError(pullWeights(bench.set, bench.folder, options), 'broken');
    expect(options.waits).toEqual([1000, 2000, 4000]);
    expect((await stat(join(bench.folder, 'text.onnx.data.part'))).size).toBe(4000);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data').at(-1)).toBe('bytes=4000-');
  });

  it('does not count as a failure in a row after progress', async () => {
    const large = seededBytes('large', 6 << 20);
    const more = publish(bench.server, { 'genai_config.json': CONFIG, 'large.data': large });
    bench.server.injectFaults(pathOf('large.data'), ...Array.from({ length: 5 }, () => dropAfter(1 << 20)));
    const options = watched(bench.hub);
    await pullWeights(more, bench.folder, options);
    expect((await bench.read('large.data')).equals(large)).toBe(true);
    expect(options.waits).toEqual([1000, 1000, 1000, 1000, 1000]);
  });
});

describe('partial file of an earlier run', () => {
  const writePartialFile = async (body: Buffer): Promise<void> => {
    await mkdir(bench.folder, { recursive: true });
    await writeFile(join(bench.folder, 'text.onnx.data.part'), body);
  };

  it('is resumed', async () => {
    await writePartialFile(DATA.subarray(0, 200_000));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual(['bytes=200000-']);
  });

  it('needs no request when it is complete', async () => {
    await writePartialFile(DATA);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([]);
  });

  it('downloads no byte when it is complete and the exact size is unknown', async () => {
    bench.set = publish(bench.server, FILES, { exact: false });
    await writePartialFile(DATA);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([`bytes=${DATA.length}-`]); // answered 416
  });

  it.each([
    ['has wrong bytes', seededBytes('other', 200_000), true],
    ['is too long', seededBytes('other', 300_001), true],
    ['is longer than the file on the server', seededBytes('other', 300_001), false],
  ])('is discarded when it %s', async (_what, body, exact) => {
    bench.set = publish(bench.server, FILES, { exact });
    await writePartialFile(body);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
  });
});

describe('content with a wrong checksum', () => {
  it('is downloaded once more', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), corrupt);
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([undefined, undefined]);
  });

  it('is rejected the second time, and the error has the checksum', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), corrupt, corrupt);
    const error = await bench.expectError(
      pullWeights(bench.set, bench.folder, watched(bench.hub)),
      'corrupt',
    );
    expect(error.message).toContain('text.onnx.data');
    expect(error.message).toContain(bench.set.files[1]?.digest.hex);
    expect(await bench.exists('text.onnx.data')).toBe(false);
  });

  it('is detected by its size before the download', async () => {
    bench.server.content.set(pathOf('text.onnx.data'), Buffer.concat([DATA, DATA]));
    const options = watched(bench.hub);
    await bench.expectError(pullWeights(bench.set, bench.folder, options), 'corrupt');
    expect(options.events.filter(({ path, bytes }) => path === 'text.onnx.data' && bytes > 0)).toEqual([]);
  });

  it('does not fill the disk when it is endless', async () => {
    const endless: Fault = ({ response }) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(DATA));
      };
      response.on('drain', more);
      more();
    };
    bench.server.injectFaults(pathOf('text.onnx.data'), endless, endless);
    await bench.expectError(pullWeights(bench.set, bench.folder, watched(bench.hub)), 'corrupt');
  });
});

describe('pull', () => {
  it('keeps the partial file when it is cancelled', async () => {
    const controller = new AbortController();
    bench.server.injectFaults(pathOf('text.onnx.data'), hangAfter(100_000));
    const options = watched(bench.hub, {
      signal: controller.signal,
      onEvent: ({ bytes }) => {
        if (bytes === 100_000) controller.abort();
      },
    });
    await bench.expectError(pullWeights(bench.set, bench.folder, options), 'cancelled');
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.ranges('text.onnx.data')).toEqual([undefined, 'bytes=100000-']);
  });

  it('fails if the missing bytes do not fit on the disk, and reports both sizes', async () => {
    const free = DATA.length + 64e6 - 50_001;
    const options = watched(bench.hub, { freeBytes: async () => free });
    const error = await bench.expectError(pullWeights(bench.set, bench.folder, options), 'disk_full');
    expect(error.message).toMatch(/need 65 MB.* has 65 MB free/);
    expect(bench.server.requests).toEqual([]);
    await mkdir(bench.folder, { recursive: true });
    await writeFile(join(bench.folder, 'text.onnx.data.part'), DATA.subarray(0, 60_000));
    await pullWeights(bench.set, bench.folder, options);
    await bench.expectWhole();
  });

  it('rejects a target that cannot be a folder', async () => {
    await writeFile(bench.folder, 'a file');
    const error = await pullWeights(bench.set, join(bench.folder, 'below'), watched(bench.hub)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'not_writable' });
    expect(String(error)).not.toContain(bench.parent);
  });

  it('uses a mirror whose URL has a path', async () => {
    for (const [name, body] of Object.entries(FILES))
      bench.server.content.set(`mirror/${pathOf(name)}`, body);
    await using mirror = createHubClient({ endpoint: `${bench.server.origin}/mirror` });
    await pullWeights(bench.set, bench.folder, watched(mirror));
    await bench.expectWhole();
    expect(bench.server.requests.every(({ path }) => path.startsWith('mirror/'))).toBe(true);
  });

  it('replaces a folder at the path of a partial file', async () => {
    await mkdir(join(bench.folder, 'text.onnx.data.part'), { recursive: true });
    await cp(TINY, join(bench.folder, 'text.onnx.data.part'), { recursive: true });
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
  });
});
