import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from '../../api/entries/node.ts';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { eventsName, SOURCES } from '../../store/names.ts';
import { contentOf } from '../support/tenant-content.ts';
import { createFakeOrchestrator, type FakeOrchestrator } from './fake-orchestrator.ts';
import { sampleEvents } from './harness.ts';

const MAX_UPLOAD_BYTES = 50_000_000;
const REQUEST = { source: { type: 'images' as const, urls: ['https://example.com/a.png'] } };

interface Served {
  readonly api: RunningApi;
  readonly client: FrameloomClient;
  readonly store: ArtifactStore;
  readonly orchestrator: FakeOrchestrator;
  readonly logged: string[];
}

async function withServer(use: (served: Served) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-node-'));
  const store = createFolderStore(join(root, 'store'));
  const orchestrator = createFakeOrchestrator();
  const logged: string[] = [];
  const api = await startApi({
    host: '127.0.0.1',
    port: 0,
    orchestrator,
    store,
    keys: [],
    maxUploadBytes: MAX_UPLOAD_BYTES,
    version: '0.0.0-test',
    log: (_, message) => message !== 'request' && logged.push(message),
  });
  try {
    await use({ api, store, orchestrator, logged, client: createClient({ url: api.url }) });
  } finally {
    await api.close();
    await rm(root, { recursive: true, force: true });
  }
}

describe('the API on Node', () => {
  it('does not listen on other interfaces without keys', async () => {
    const deps = {
      orchestrator: createFakeOrchestrator(),
      store: createFolderStore(tmpdir()),
      log: () => undefined,
    };
    const open = startApi({ ...deps, host: '0.0.0.0', port: 0, keys: [], maxUploadBytes: 1, version: '' });
    await expect(open).rejects.toThrow('FRAMELOOM_API_KEYS');
  });

  it('streams an upload, reports its progress, and stores its bytes unchanged', () =>
    withServer(async ({ client, store }) => {
      const chunk = crypto.getRandomValues(new Uint8Array(65_536));
      const hash = createHash('sha256');
      let left = 200;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left === 0) return controller.close();
          left -= 1;
          hash.update(chunk);
          controller.enqueue(chunk);
        },
      });
      const progress: number[] = [];
      const file = await client.uploadFile(body, 'weiß & grün.mp4', {
        onProgress: (bytes) => progress.push(bytes),
      });
      expect(file).toMatchObject({
        filename: 'weiß & grün.mp4',
        bytes: 200 * 65_536,
        sha256: hash.digest('hex'),
      });
      expect(await contentOf(store).head(`${SOURCES}/${file.sha256}`)).toBeDefined();
      expect(progress.at(-1)).toBe(200 * 65_536);
      expect(progress).toEqual([...progress].sort((a, b) => a - b));
    }));

  it('takes a Blob', () =>
    withServer(async ({ client }) => {
      const file = await client.uploadFile(new Blob(['abc']), 'a.bin');
      expect(file.bytes).toBe(3);
    }));

  it('rejects a file that is too large, whether its length is known or not', () =>
    withServer(async ({ client }) => {
      const bytes = new Uint8Array(MAX_UPLOAD_BYTES + 1);
      const streamed = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(bytes.subarray(0, 1_000_000)),
      });
      for (const body of [new Blob([bytes]), streamed]) {
        await expect(client.uploadFile(body, 'large.mp4')).rejects.toMatchObject({
          problem: { code: 'payload_too_large' },
        });
      }
    }));

  it('rejects a body by its declared length before it is sent', () =>
    withServer(async ({ api }) => {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const headers = { 'Content-Length': MAX_UPLOAD_BYTES + 1 };
        const upload = request(`${api.url}/v1/files`, { method: 'POST', headers }, (response) => {
          resolve(response.statusCode);
          upload.destroy();
        });
        upload.on('error', reject);
        upload.flushHeaders();
      });
      expect(status).toBe(413);
    }));

  it('stores nothing of an aborted upload', () =>
    withServer(async ({ api, store, logged }) => {
      const upload = request(`${api.url}/v1/files`, {
        method: 'POST',
        headers: { 'Content-Length': 1_000_000 },
      });
      upload.on('error', () => undefined);
      await new Promise((resolve) => upload.write(new Uint8Array(500_000), resolve));
      upload.destroy();
      await expect.poll(() => logged, { timeout: 10_000 }).toEqual(['client went away']);
      for await (const name of store.list('')) expect.unreachable(`${name} was stored`);
    }));

  it('streams events to the client as they are written, to the last one', () =>
    withServer(async ({ client, store, orchestrator }) => {
      const { id } = await client.createSummary(REQUEST);
      const events = sampleEvents(6);
      const seen: JobEvent[] = [];
      for await (const event of client.streamEvents(id)) {
        seen.push(event);
        const next = events[event.id];
        // Each is written only once the one before has arrived.
        if (next) await store.put(eventsName(id, 'run-1', next.id), Buffer.from(JSON.stringify([next])));
      }
      expect(seen.slice(1)).toEqual(events);
      orchestrator.close(id as Parameters<typeof orchestrator.close>[0], 'completed');
    }));

  it('stops asking for a job whose watcher has hung up', () =>
    withServer(async ({ client, orchestrator }) => {
      const { id } = await client.createSummary(REQUEST);
      for await (const event of client.streamEvents(id)) {
        expect(event.type).toBe('job.created');
        break;
      }
      let last = -1;
      // Settles once two looks, further apart than the questions of a live stream, find the same number.
      await expect
        .poll(
          () => {
            const same = orchestrator.describes === last;
            last = orchestrator.describes;
            return same;
          },
          { interval: 1500, timeout: 15_000 },
        )
        .toBe(true);
    }));

  it('ends open streams when it closes, and closes once', async () => {
    let open: Promise<string> | undefined;
    await withServer(async ({ api, client }) => {
      const { id } = await client.createSummary(REQUEST);
      const response = await fetch(`${api.url}/v1/summaries/${id}/events`);
      open = response.text();
      await Promise.all([api.close(), api.close()]);
      await expect(fetch(`${api.url}/healthz`)).rejects.toThrow();
    });
    expect(await open).toContain('job.created');
  });

  it.each([
    [
      'a header above the limit',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(30_000)}\r\n\r\n`,
      '431',
    ],
    ['no host', 'GET /v1/summaries HTTP/1.1\r\n\r\n', '400'],
    ['a host that is none', 'GET /v1/summaries HTTP/1.1\r\nHost: a b\r\n\r\n', '400'],
    [
      'two lengths',
      'POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      '400',
    ],
    ['no HTTP', 'hello\r\n\r\n', '400'],
  ])('answers %s with a status and stays alive', (_, text, status) =>
    withServer(async ({ api }) => {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(api.port, '127.0.0.1', () => socket.write(text));
        socket.once('data', (data) => {
          resolve(data.toString());
          socket.destroy();
        });
        socket.once('error', reject);
      });
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
      expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    }),
  );
});
