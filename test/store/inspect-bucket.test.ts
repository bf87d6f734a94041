/** Whether a bucket is good for the store. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { createS3Client } from '../../store/s3/client.ts';
import { inspectBucket } from '../../store/s3/index.ts';
import { elements } from '../../store/s3/xml.ts';
import { NO_S3_SERVER, startBucket } from '../support/s3-server.ts';

const QUICK = { attempts: 1, responseTimeoutMs: 2000, firstBackoffMs: 1 } as const;

/** A server that keeps the last body of each key, and looks at no condition. */
async function startServer(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      bucket: 'b',
      pathStyle: true,
      prefix: 'some/',
      credentials: () => ({ accessKeyId: 'a', secretAccessKey: 's' }),
      limits: QUICK,
    },
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

it.skipIf(NO_S3_SERVER !== undefined)(
  `a real one is, and nothing is left in it${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  async () => {
    await using bucket = await startBucket();
    expect(await inspectBucket({ ...bucket.options, prefix: 'some/' })).toEqual({ works: true });
    const listing = await createS3Client(bucket.options).text({ method: 'GET', query: { 'list-type': '2' } });
    expect(elements(listing, 'Key')).toEqual([]);
  },
);

it('rejects a bucket that overwrites objects', async () => {
  const removed: string[] = [];
  await using server = await startServer((request, response) => {
    if (request.method === 'DELETE') removed.push(request.url ?? '');
    request.resume().on('end', () => response.writeHead(200).end());
  });
  expect(await inspectBucket(server.options)).toMatchObject({ works: false, problem: 'overwrites' });
  expect(removed).toEqual([expect.stringMatching(/^\/b\/some\/\.bytes\//)]);
});

it('rejects a bucket that ignores ranges', async () => {
  let writes = 0;
  await using server = await startServer((request, response) => {
    if (request.method === 'PUT') writes += 1;
    const status = request.method === 'PUT' && writes > 1 ? 412 : 200;
    request.resume().on('end', () => response.writeHead(status).end(request.method === 'GET' ? 'ab' : ''));
  });
  expect(await inspectBucket(server.options)).toMatchObject({ works: false, problem: 'no-ranges' });
});

it.each([
  [403, 'the bucket rejects the credentials'],
  [503, 'the bucket failed: PUT: HTTP 503'],
])('of one that answers %i it says why', async (status, reason) => {
  await using server = await startServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end());
  });
  expect(await inspectBucket(server.options)).toEqual({ works: false, problem: 'unreachable', reason });
});
