import { describe, expect, it, vi } from 'vitest';
import { createClient } from '../../client/index.ts';
import { readSse, type SseMessage } from '../../core/sse.ts';
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import type { JobId } from '../../schema/ids.ts';
import type { Job, Progress } from '../../schema/job.ts';
import { StoreError } from '../../store/artifact-store.ts';
import { type Harness, sampleEvents, withApp } from './harness.ts';

/** The next `count` messages, after which the connection is dropped. */
async function take(response: Response, count: number): Promise<SseMessage[]> {
  const messages: SseMessage[] = [];
  if (!response.body) return messages;
  for await (const message of readSse(response.body)) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

const stream = (app: Harness['app'], id: string, headers: Record<string, string> = {}) =>
  app.request(`/v1/summaries/${id}/events`, { headers });

describe('the event stream', () => {
  it('begins with job.created before anything was written', () =>
    withApp(async ({ app, startJob }) => {
      const job = await startJob();
      const response = await stream(app, job.id);
      expect(response.headers.get('Content-Type')).toMatch('text/event-stream');
      const [first] = await take(response, 1);
      expect([first?.id, first?.event]).toEqual(['0', 'job.created']);
      expect(JSON.parse(first?.data ?? '')).toMatchObject({ id: 0, time: job.created_at });
    }));

  it('gives the same log over 20 dropped connections as in one go', () =>
    withApp(async ({ app, startJob, writeEvents }) => {
      const { id } = await startJob();
      const events = sampleEvents(60);
      for (let first = 0; first < 60; ) {
        const length = 1 + (first % 7);
        await writeEvents(id, events.slice(first, first + length));
        first += length;
      }
      const pieces: SseMessage[] = [];
      for (let connection = 0; connection <= 20; connection += 1) {
        const last = pieces.at(-1)?.id;
        const headers: Record<string, string> = last === undefined ? {} : { 'Last-Event-ID': last };
        const count = connection === 20 ? Number.POSITIVE_INFINITY : 1 + (connection % 4);
        pieces.push(...(await take(await stream(app, id, headers), count)));
      }
      const whole = await take(await stream(app, id), Number.POSITIVE_INFINITY);
      expect(pieces).toEqual(whole);
      expect(whole.slice(1).map(({ data }) => JSON.parse(data))).toEqual(events);
      expect(whole.map((message) => message.id)).toEqual(
        Array.from({ length: 61 }, (_, index) => String(index)),
      );
    }));

  it('reports the queue position between events, without an id, while other jobs go first', () =>
    withApp(async ({ app, post, startJob, writeEvents, orchestrator, clock }) => {
      const { id } = await startJob();
      const urgent = { source: { type: 'images', urls: ['https://a.example/1'] }, priority: 'high' };
      const { id: first } = (await (await post('/v1/summaries', urgent)).json()) as Job & { id: JobId };
      const events = sampleEvents(3);
      let looks = 0;
      clock.onSleep = async () => {
        looks += 1;
        if (looks === 20) orchestrator.close(first, 'completed');
        if (looks === 40) await writeEvents(id, events);
      };
      const places: (number | undefined)[] = [];
      const client = createClient({
        url: 'http://localhost',
        fetch: async (input, init) => app.request(String(input), init),
      });
      const seen: number[] = [];
      const onQueueUpdate = (progress: { queue_position?: number | undefined }) =>
        places.push(progress.queue_position);
      for await (const event of client.streamEvents(id, { onQueueUpdate })) seen.push(event.id);
      expect(places).toEqual([1, 0]);
      expect(seen).toEqual([0, 1, 2, 3]);
    }));

  it('reports when the job begins and ends to wait for a worker, without an id', () =>
    withApp(async ({ app, startJob, writeEvents, orchestrator, clock }) => {
      const { id } = await startJob();
      const events = sampleEvents(3);
      await writeEvents(id, events.slice(0, 1));
      orchestrator.upsert(id, {
        progress: events[0]?.progress as Progress,
        startedAt: '2026-01-01T00:00:00.000Z',
      });
      let looks = 0;
      clock.onSleep = async () => {
        looks += 1;
        if (looks === 20) orchestrator.setWaiting(id, true);
        if (looks === 40) orchestrator.setWaiting(id, false);
        if (looks === 60) await writeEvents(id, events.slice(1));
      };
      const client = createClient({
        url: 'http://localhost',
        fetch: async (input, init) => app.request(String(input), init),
      });
      const stages: string[] = [];
      const onQueueUpdate = ({ stage }: Progress) => stages.push(stage);
      const seen: number[] = [];
      for await (const event of client.streamEvents(id, { onQueueUpdate })) {
        seen.push(event.id);
        if (event.id === 1) orchestrator.setWaiting(id, false);
      }
      expect(stages).toEqual(['waiting', events[0]?.progress.stage]);
      expect(seen).toEqual([0, 1, 2, 3]);
    }));

  it('delivers events that are written while it waits, and ends after the last one', () =>
    withApp(async ({ app, startJob, writeEvents, clock }) => {
      const { id } = await startJob();
      const events = sampleEvents(9);
      let written = 0;
      clock.onSleep = async () => {
        if (written < events.length) await writeEvents(id, events.slice(written, written + 3));
        written += 3;
      };
      const messages = await take(await stream(app, id), Number.POSITIVE_INFINITY);
      expect(messages.slice(1).map(({ data }) => JSON.parse(data))).toEqual(events);
    }));

  it('sends a comment for every 15 seconds without an event', () =>
    withApp(async ({ app, startJob, orchestrator, clock }) => {
      const { id } = await startJob();
      const start = clock.now();
      clock.onSleep = () => {
        if (clock.now() - start >= 61_000) orchestrator.close(id, 'terminated');
      };
      const text = await (await stream(app, id)).text();
      expect(text.match(/^: /gm)?.length).toBe(4);
    }));

  it('ends when the job ends without a last event', () =>
    withApp(async ({ app, startJob, orchestrator, writeEvents, clock }) => {
      const { id } = await startJob();
      await writeEvents(id, sampleEvents(5).slice(0, 2));
      clock.onSleep = () => orchestrator.close(id, 'terminated');
      const messages = await take(await stream(app, id), Number.POSITIVE_INFINITY);
      expect(messages.map((message) => message.id)).toEqual(['0', '1', '2']);
    }));

  it('returns 204 after the last event, which stops browsers from reconnecting', () =>
    withApp(async ({ app, startJob, orchestrator, writeEvents }) => {
      const { id } = await startJob();
      await writeEvents(id, sampleEvents(3));
      orchestrator.close(id, 'completed');
      expect((await stream(app, id, { 'Last-Event-ID': '2' })).status).toBe(200);
      expect((await stream(app, id, { 'Last-Event-ID': '3' })).status).toBe(204);
    }));

  it('stops looking once the client has gone', () =>
    withApp(async ({ app, startJob, clock }) => {
      const { id } = await startJob();
      await take(await stream(app, id), 1);
      const before = clock.now();
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(clock.now() - before).toBeLessThanOrEqual(200);
    }));

  it('ends without a word of the cause when something fails, and logs it', () =>
    withApp(async ({ app, startJob, store, logged, clock }) => {
      const { id } = await startJob();
      clock.onSleep = () => {
        store.head = () => Promise.reject(new StoreError('unavailable', 'EIO at /secret/path'));
      };
      const text = await (await stream(app, id)).text();
      expect(text).toContain('job.created');
      expect(text).not.toMatch(/secret|EIO|error/i);
      expect(logged).toMatchObject([{ level: 'error', fields: { code: 'storage_unavailable' } }]);
    }));

  it('opens nothing for HEAD', () =>
    withApp(async ({ app, startJob, clock }) => {
      const { id } = await startJob();
      const before = clock.now();
      const response = await app.request(`/v1/summaries/${id}/events`, { method: 'HEAD' });
      expect(response.headers.get('Content-Type')).toMatch('text/event-stream');
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(clock.now()).toBe(before);
    }));

  it('ends when the process is about to end', async () => {
    const closing = new AbortController();
    await withApp(
      async ({ app, startJob, clock }) => {
        const { id } = await startJob();
        clock.onSleep = () => closing.abort();
        expect(await (await stream(app, id)).text()).toContain('job.created');
      },
      { closing: closing.signal },
    );
  });
});

describe('the pages of the event log', () => {
  it('contain the same events, and where the next page begins', () =>
    withApp(async ({ app, startJob, writeEvents }) => {
      const { id } = await startJob();
      const events = sampleEvents(10);
      await writeEvents(id, events.slice(0, 6));
      await writeEvents(id, events.slice(6));
      const read: JobEvent[] = [];
      let after: number | null = -1;
      while (after !== null) {
        const response: Response = await app.request(`/v1/summaries/${id}/events?limit=4&after=${after}`, {
          headers: { Accept: 'application/json' },
        });
        const page = (await response.json()) as { data: JobEvent[]; next_after: number | null };
        read.push(...page.data);
        after = page.next_after;
      }
      expect(read.slice(1)).toEqual(events);
    }));

  it('can be asked again from the same place while the job runs', () =>
    withApp(async ({ app, startJob }) => {
      const { id } = await startJob();
      const headers = { Accept: 'application/json' };
      const page = async (after: number) =>
        (await (
          await app.request(`/v1/summaries/${id}/events?after=${after}`, { headers })
        ).json()) as unknown;
      expect(await page(-1)).toMatchObject({ data: [{ id: 0 }], next_after: 0 });
      expect(await page(0)).toMatchObject({ data: [], next_after: 0 });
    }));
});

describe('the client', () => {
  it('gives each event once and in order over connections that break', () =>
    withApp(async ({ app, startJob, writeEvents }) => {
      const { id } = await startJob();
      const events = sampleEvents(30);
      await writeEvents(id, events);
      let connections = 0;
      const client = createClient({
        url: 'http://localhost',
        sleep: () => Promise.resolve(),
        fetch: async (url, init) => {
          connections += 1;
          if (connections % 3 === 0) throw new TypeError('connection refused');
          const response = await app.request(String(url), init);
          const cut = response.body?.pipeThrough(truncate(700));
          return new Response(cut ?? null, response);
        },
      });
      const seen: JobEvent[] = [];
      for await (const event of client.streamEvents(id)) seen.push(event);
      expect(seen.slice(1)).toEqual(events);
      expect(seen.filter(isLastEvent)).toHaveLength(1);
      expect(connections).toBeGreaterThan(10);
    }));

  it('bears any silence of a living server, and gives up on one that was gone for a minute', () =>
    withApp(async ({ app, startJob, writeEvents }) => {
      const { id } = await startJob();
      await writeEvents(id, sampleEvents(9).slice(0, 2));
      let now = Date.now();
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => now);
      let connections = 0;
      const client = createClient({
        url: 'http://localhost',
        sleep: async (milliseconds) => {
          now += milliseconds;
        },
        fetch: async (url, init) => {
          connections += 1;
          if (connections > 1) throw new TypeError('connection refused');
          const response = await app.request(String(url), init);
          // Half an hour of comments, after which the connection breaks.
          const silent = new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
              controller.enqueue(chunk);
              if (!new TextDecoder().decode(chunk).includes('id: 2')) return;
              now += 1_800_000;
              controller.enqueue(new TextEncoder().encode(': still here\n\n'));
              controller.terminate();
            },
          });
          return new Response(response.body?.pipeThrough(silent) ?? null, response);
        },
      });
      const seen: number[] = [];
      const start = now;
      await expect(
        (async () => {
          for await (const event of client.streamEvents(id)) seen.push(event.id);
        })(),
      ).rejects.toMatchObject({ problem: { code: 'unavailable' } });
      clock.mockRestore();
      expect(seen).toEqual([0, 1, 2]);
      expect(connections).toBeGreaterThan(3);
      expect(now - start).toBeGreaterThan(1_860_000);
    }));

  it('gives up at once on a job that does not exist', () =>
    withApp(async ({ app }) => {
      const client = createClient({
        url: 'http://localhost',
        fetch: async (url, init) => app.request(String(url), init),
      });
      const events = client.streamEvents(`sum_${'a'.repeat(26)}`);
      await expect(events.next()).rejects.toMatchObject({ problem: { code: 'not_found' } });
    }));
});

/** Ends a stream after `bytes` bytes, in the middle of whatever stands there. */
function truncate(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left <= 0) controller.terminate();
    },
  });
}
