import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHubClient, pullWeights } from '../../weights/index.ts';
import { dropAfter, type FakeHub, redirect, respondWith, startFakeHub } from '../support/fake-hub.ts';
import { DATA, pathOf, pullBench, watched } from './support.ts';

const bench = pullBench();

describe('redirect', () => {
  let other: FakeHub;
  beforeEach(async () => {
    other = await startFakeHub();
    other.content.set('signed/data', DATA);
  });
  afterEach(() => other[Symbol.asyncDispose]());

  it('to another host is followed with the range and without the token', async () => {
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

  it('within the host is followed with the token', async () => {
    bench.server.content.set('renamed', DATA);
    bench.server.injectFaults(pathOf('text.onnx.data'), redirect('/renamed'));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
    expect(bench.server.requests.find(({ path }) => path === 'renamed')?.authorization).toBe(
      'Bearer hf_secret',
    );
  });

  it('to an expired URL is requested again', async () => {
    const there = redirect(`${other.origin}/signed/data`);
    bench.server.injectFaults(pathOf('text.onnx.data'), there, there);
    other.injectFaults('signed/data', respondWith(403));
    await pullWeights(bench.set, bench.folder, watched(bench.hub));
    await bench.expectWhole();
  });

  it.each([
    ['in a loop', `/${pathOf('text.onnx.data')}`],
    ['to a URL of another scheme', 'file:///etc/passwd'],
  ])('%s is rejected', async (_what, location) => {
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      ...Array.from({ length: 10 }, () => redirect(location)),
    );
    await bench.expectError(pullWeights(bench.set, bench.folder, watched(bench.hub)), 'rejected');
  });
});

describe('server error', () => {
  it('is retried after the seconds of Retry-After', async () => {
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

  it('is retried at the date of Retry-After', async () => {
    const header = new Date(Date.now() + 60_000).toUTCString();
    bench.server.injectFaults(pathOf('text.onnx.data'), respondWith(429, { 'retry-after': header }));
    const options = watched(bench.hub);
    await pullWeights(bench.set, bench.folder, options);
    expect(options.waits.length).toBe(1);
    expect(options.waits[0]).toBeGreaterThan(0);
    expect(options.waits[0]).toBeLessThanOrEqual(60_000);
  });

  it('with a Retry-After of an hour is not retried', async () => {
    bench.server.injectFaults(pathOf('text.onnx.data'), respondWith(429, { 'retry-after': '3600' }));
    const options = watched(bench.hub);
    const error = await bench.expectError(pullWeights(bench.set, bench.folder, options), 'busy');
    expect(error.message).toContain('3600 s');
    expect(options.waits).toEqual([]);
  });

  it.each([
    [401, 'unauthorized', 1],
    [403, 'unauthorized', 1],
    [404, 'not_found', 1],
    [410, 'not_found', 1],
    [418, 'rejected', 1],
    [503, 'busy', 4],
  ])('%i is reported as %s after %i requests', async (status, code, requests) => {
    bench.server.injectFaults(
      pathOf('text.onnx.data'),
      ...Array.from({ length: 9 }, () => respondWith(status)),
    );
    const error = await bench.expectError(pullWeights(bench.set, bench.folder, watched(bench.hub)), code);
    expect(error.message).toContain(String(status));
    expect(bench.ranges('text.onnx.data').length).toBe(requests);
  });

  it('of a closed port is reported as unreachable', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const address = closed.address();
    await new Promise((resolve) => closed.close(resolve));
    const port = typeof address === 'object' ? address?.port : undefined;
    await using nobody = createHubClient({ endpoint: `http://127.0.0.1:${port}` });
    const error = await bench.expectError(
      pullWeights(bench.set, bench.folder, watched(nobody)),
      'unreachable',
    );
    expect(error.message).toContain('ECONNREFUSED');
  });
});
