import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHub, pullWeights } from '../../weights/index.ts';
import { dropAfter, type FakeHub, redirect, respondWith, startFakeHub } from '../support/fake-hub.ts';
import { DATA, pathOf, pullBench, watched } from './support.ts';

const bench = pullBench();

describe('a redirect', () => {
  let other: FakeHub;
  beforeEach(async () => {
    other = await startFakeHub();
    other.content.set('signed/data', DATA);
  });
  afterEach(() => other[Symbol.asyncDispose]());

  it('is followed, with the range, but without the token where it leads to another host', async () => {
    const there = redirect(`${other.origin}/signed/data`);
    bench.server.injectFaults(pathOf('text.onnx.data'), there, there);
    other.injectFaults('signed/data', dropAfter(100_000));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(other.requests).toEqual([
      { path: 'signed/data', range: undefined, authorization: undefined },
      { path: 'signed/data', range: 'bytes=100000-', authorization: undefined },
    ]);
    expect(new Set(bench.server.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer hf_secret']),
    );
  });

  it('within the host keeps the token', async () => {
    bench.server.content.set('renamed', DATA);
    bench.server.injectFaults(pathOf('text.onnx.data'), redirect('/renamed'));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.server.requests.find(({ path }) => path === 'renamed')?.authorization).toBe(
      'Bearer hf_secret',
    );
  });

  it('to an address that is no longer valid is asked for again', async () => {
    const there = redirect(`${other.origin}/signed/data`);
    bench.server.injectFaults(pathOf('text.onnx.data'), there, there);
    other.injectFaults('signed/data', respondWith(403));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
  });

  it.each([
    ['in a circle', `/${pathOf('text.onnx.data')}`],
    ['to something that is no web address', 'file:///etc/passwd'],
  ])('%s is refused', async (_what, location) => {
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      ...Array.from({ length: 10 }, () => redirect(location)),
    );
    await bench.expectRefusal(pullWeights(bench.set, bench.folder, watched(bench.hub)), 'refused');
  });
});

describe('a server that refuses', () => {
  it('for now is asked again when it says', async () => {
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      respondWith(429, { 'retry-after': '7' }),
      respondWith(503, { 'retry-after': '0' }),
    );
    const options = watched(bench.hub);
    await pullWeights(bench.set, bench.folder, options);
    await bench.expectWhole();
    expect(options.waits).toEqual([7000, 0]);
  });

  it('until a date is asked again then', async () => {
    const header = new Date(Date.now() + 60_000).toUTCString();
    bench.server.injectFaults(pathOf('text.onnx.data'), respondWith(429, { 'retry-after': header }));
    const options = watched(bench.hub);
    await pullWeights(bench.set, bench.folder, options);
    expect(options.waits.length).toBe(1);
    expect(options.waits[0]).toBeGreaterThan(0);
    expect(options.waits[0]).toBeLessThanOrEqual(60_000);
  });

  it('for an hour is not waited for', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), respondWith(429, { 'retry-after': '3600' }));
    const options = watched(bench.hub);
    const error = await bench.expectRefusal(pullWeights(bench.set, bench.folder, options), 'busy');
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
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      ...Array.from({ length: 9 }, () => respondWith(status)),
    );
    const error = await bench.expectRefusal(pullWeights(bench.set, bench.folder, watched(bench.hub)), code);
    expect(error.message).toContain(String(status));
    expect(bench.ranges('text.onnx.data').length).toBe(requests);
  });

  it('to connect ends as unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const port = typeof address === 'object' ? address?.port : undefined;
    await using nobody = openHub({ endpoint: `http://127.0.0.1:${port}` });
    const error = await bench.expectRefusal(
      pullWeights(bench.set, bench.folder, watched(nobody)),
      'unreachable',
    );
    expect(error.message).toContain('ECONNREFUSED');
  });
});
