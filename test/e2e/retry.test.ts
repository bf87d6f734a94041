/** A job with gaps, run again: only what is missing costs anything. The model is a real one behind an endpoint that can refuse. */
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

interface RefusingProxy extends AsyncDisposable {
  readonly url: string;
  /** Prompts with pictures that reached the model. */
  described: number;
  /** While set, the prompts whose number, from 1, it holds are refused. */
  refused: ReadonlySet<number>;
}

/** Passes requests on to `target`, but for prompts that it refuses as too long. */
async function refusingProxy(target: string): Promise<RefusingProxy> {
  let pictured = 0;
  const upstream = new URL(target);
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await buffer(incoming);
      if (body.includes('image_url')) {
        pictured += 1;
        if (proxy.refused.has(pictured)) {
          outgoing.writeHead(400, { 'Content-Type': 'application/json' });
          outgoing.end('{"error":{"message":"too long","code":"context_length_exceeded"}}');
          return;
        }
        proxy.described += 1;
      }
      const { method, headers, url: path } = incoming;
      const options = { host: upstream.hostname, port: upstream.port, method, headers, path };
      send(options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      }).end(body);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const proxy: RefusingProxy = {
    url: `http://127.0.0.1:${port}${upstream.pathname}`,
    described: 0,
    refused: new Set(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

it('asks the model for the gap alone, keeps what was there, and ends complete', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-retry-'));
  try {
    await using served = await runServeModel({ FRAMELOOM_HOME: join(folder, 'endpoint') });
    await using proxy = await refusingProxy(served.url);
    await using system = await startSystem({ FRAMELOOM_MODEL_URL: proxy.url });
    const deck = join(folder, 'deck.pdf');
    await makeDeck(deck, { seed: 23, pages: 24 });
    proxy.refused = new Set([2]);
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

    proxy.refused = new Set();
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
