/** A retry of a job with gaps runs only the missing work. The model is behind a proxy that can reject prompts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { runServeModel } from '../cli/run-serve-model.ts';
import { makeDeck } from '../world/deck.ts';
import { follow, startSystem } from './system.ts';

interface RejectingProxy extends AsyncDisposable {
  readonly url: string;
  /** Number of prompts with images that reached the model. */
  described: number;
  /** Numbers, from 1, of the prompts with images that are rejected. */
  rejected: ReadonlySet<number>;
}

/** Forwards requests to `target`, except for prompts that it rejects as too long. */
async function startRejectingProxy(target: string): Promise<RejectingProxy> {
  let imagePrompts = 0;
  const upstream = new URL(target);
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await buffer(incoming);
      if (body.includes('image_url')) {
        imagePrompts += 1;
        if (proxy.rejected.has(imagePrompts)) {
          outgoing.writeHead(400, { 'Content-Type': 'application/json' });
          outgoing.end('{"error":{"message":"too long","code":"context_length_exceeded"}}');
          return;
        }
        proxy.described += 1;
      }
      const { method, headers, url: path } = incoming;
      const options = { host: upstream.hostname, port: upstream.port, method, headers, path };
      send(options, (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      }).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const proxy: RejectingProxy = {
    url: `http://127.0.0.1:${port}${upstream.pathname}`,
    described: 0,
    rejected: new Set(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

it('a retry runs the model for the gap only, reuses the rest, and completes the job', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-retry-'));
  try {
    await using served = await runServeModel({ FRAMELOOM_HOME: join(folder, 'endpoint') });
    await using proxy = await startRejectingProxy(served.url);
    await using system = await startSystem({ FRAMELOOM_MODEL_URL: proxy.url });
    const deck = join(folder, 'deck.pdf');
    await makeDeck(deck, { seed: 23, pages: 24 });
    proxy.rejected = new Set([2]);
    const { id } = await system.client.createSummary({
      source: { type: 'deck', file_id: await system.upload(deck) },
    });
    const { job: gappy } = await follow(system, id);
    const total = gappy.progress.segments.total;
    expect(total).toBeGreaterThan(2);
    expect(gappy.status).toBe('completed_with_gaps');
    expect(gappy.progress.segments).toEqual({ total, done: total - 1, failed: 1 });
    expect(gappy.result?.gaps).toHaveLength(1);
    const missing = gappy.result?.gaps[0]?.segment;
    expect(proxy.described).toBe(total - 1);

    proxy.rejected = new Set();
    const [again, same] = await Promise.all([system.client.retrySummary(id), system.client.retrySummary(id)]);
    expect([again.id, same.id]).toEqual([id, id]);
    expect(again.result_sha256).toBe(gappy.result_sha256);
    const { job: whole, events } = await follow(system, id);
    expect(whole.status).toBe('completed');
    expect(whole.result?.gaps).toEqual([]);
    expect(proxy.described).toBe(total);
    expect(whole.ledger?.segments.filter(({ cached }) => !cached).map(({ index }) => index)).toEqual([
      missing,
    ]);
    expect(events.filter(({ type }) => type === 'job.started')).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: 'job.completed', gaps: 0 });
    const listed = await system.client.listSummaries();
    expect(listed.data.map((job) => job.id)).toEqual([id]);
    await expect(system.client.retrySummary(id)).rejects.toMatchObject({
      problem: { status: 409, code: 'nothing_to_retry' },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
