import { describe, expect, it } from 'vitest';
import { sampleEvents, withApp } from './harness.ts';

/** Longer than any test: only what the API itself ends, ends. */
const NEVER = 3_600_000;

describe('a stream of events where each pollIntervalMs costs', () => {
  it('ends before its job does, and is gone on with after the last event', () =>
    withApp(
      async ({ app, startJob, writeEvents }) => {
        const { id } = await startJob();
        await writeEvents(id, sampleEvents(4).slice(0, 2));
        const read = async (after: string): Promise<(string | undefined)[]> => {
          const response = await app.request(`/v1/summaries/${id}/events`, {
            headers: { 'Last-Event-ID': after },
          });
          return [...(await response.text()).matchAll(/^id: (\d+)$/gm)].map(([, number]) => number);
        };
        expect(await read('-1')).toEqual(['0', '1', '2']);
        await writeEvents(id, sampleEvents(4).slice(2));
        expect(await read('2')).toEqual(['3', '4']);
      },
      { streamTiming: { pollIntervalMs: 1000, maxStreamMs: 100 } },
    ));

  it.each([
    [1000, 10],
    [100, 100],
  ])('is looked at every %d ms', (pollIntervalMs, looks) =>
    withApp(
      async ({ app, startJob, clock }) => {
        const { id } = await startJob();
        const leaving = new AbortController();
        const begun = clock.now();
        let slept = 0;
        clock.onSleep = () => {
          slept += 1;
          if (clock.now() - begun >= 10_000 - pollIntervalMs) leaving.abort();
        };
        const response = await app.request(`/v1/summaries/${id}/events`, { signal: leaving.signal });
        await response.text().catch(() => ''); // broken off, as it was left
        expect(slept).toBe(looks);
      },
      { streamTiming: { pollIntervalMs, maxStreamMs: NEVER } },
    ),
  );
});
