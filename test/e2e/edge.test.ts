/** A whole job through the edge, which shares only Temporal and the bucket with the workers. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import type { Job } from '../../schema/job.ts';
import { SignedParts, Upload } from '../../schema/upload.ts';
import { bundleEdge, type RunningEdge, startEdge } from '../edge/worker.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { startTemporalServer, type TestServer } from '../support/temporal-server.ts';
import { startSystem, type TestSystem } from './system.ts';

const DECK = 'samples/sample-deck.pdf';
const KEY = 'key-of-anna';
const TOKEN = 'token-of-the-edge-with-many-letters';
const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

describe.skipIf(NO_S3_SERVER !== undefined)(
  `a deployment with an edge${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let temporal: TestServer;
    let bucket: TestBucket;
    let system: TestSystem;
    let edge: RunningEdge;
    let gateway: RunningEdge;

    beforeAll(async () => {
      [temporal, bucket] = await Promise.all([startTemporalServer(), startBucket()]);
      system = await startSystem({
        ...bucket.env,
        TEMPORAL_ADDRESS: temporal.address,
        FRAMELOOM_GATEWAY_TOKENS: sha256(TOKEN),
      });
      const { code } = await bundleEdge();
      const keys = { FRAMELOOM_API_KEYS: `anna:${sha256(KEY)}` };
      edge = await startEdge({
        code,
        vars: { ...bucket.env, ...keys, TEMPORAL_HTTP_URL: temporal.httpUrl },
      });
      gateway = await startEdge({
        code,
        vars: { ...keys, FRAMELOOM_GATEWAY_URL: system.url, FRAMELOOM_GATEWAY_TOKEN: TOKEN },
      });
    });
    afterAll(async () => {
      await gateway[Symbol.asyncDispose]();
      await edge[Symbol.asyncDispose]();
      await system[Symbol.asyncDispose]();
      await bucket[Symbol.asyncDispose]();
      await temporal[Symbol.asyncDispose]();
    });

    /** Uploads a file directly to the bucket, through the upload routes. */
    async function uploadDirectly(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
      const headers = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
      const call = async (path: string, body: object): Promise<unknown> =>
        (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
      const { id } = Upload.parse(await call('/v1/uploads', { filename: 'deck.pdf', bytes: bytes.length }));
      const { data } = SignedParts.parse(await call(`/v1/uploads/${id}/parts`, { part_numbers: [1] }));
      await (await fetch(data[0]?.url ?? '', { method: 'PUT', body: bytes })).body?.cancel();
      const { file } = Upload.parse(await call(`/v1/uploads/${id}/complete`, {}));
      expect(file?.sha256).toBe(sha256(bytes));
      return file?.id ?? '';
    }

    async function summarize(client: FrameloomClient, fileId: string): Promise<Job> {
      const { id } = await client.createSummary({
        source: { type: 'deck', file_id: fileId as never }, // of the shape of an id
        pages: '1',
        detail: 'low',
      });
      const numbers: number[] = [];
      for await (const event of client.streamEvents(id)) numbers.push(event.id);
      expect(numbers).toEqual(numbers.map((_, index) => index));
      expect(numbers.length).toBeGreaterThan(3);
      return await client.getSummary(id);
    }

    it('runs a job that was created at the edge, and serves its result and frames there', async () => {
      const client = createClient({ url: edge.url, apiKey: KEY });
      const bytes = new Uint8Array(await readFile(DECK));
      const job = await summarize(client, await uploadDirectly(edge.url, bytes));
      expect(job).toMatchObject({ status: 'completed', error: null });
      expect(job.result?.segments.length).toBeGreaterThan(0);
      const frame = await client.getFrame(job.id, 0);
      expect(new Uint8Array(await frame.arrayBuffer()).subarray(0, 2)).toEqual(new Uint8Array([0xff, 0xd8]));
    });

    it('runs the same job through a gateway, and shows it to the same tenant at the edge', async () => {
      const throughGateway = createClient({ url: gateway.url, apiKey: KEY });
      const file = await throughGateway.uploadFile(new Blob([await readFile(DECK)]), 'deck.pdf');
      const job = await summarize(throughGateway, file.id);
      expect(job.status).toBe('completed');
      const direct = createClient({ url: edge.url, apiKey: KEY });
      expect((await direct.getSummary(job.id)).result).toEqual(job.result);
      expect((await direct.listSummaries()).data.map(({ id }) => id)).toContain(job.id);
      // Without the token of the gateway, the API behind it rejects requests.
      expect((await fetch(`${system.url}/v1/summaries`)).status).toBe(401);
    });
  },
);
