/** The app over a folder store, a fake orchestrator and a clock that only moves when something sleeps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api, ApiDeps, Clock } from '../../api/app/index.ts';
import { createApp } from '../../api/create-app.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { JobId } from '../../schema/ids.ts';
import type { Job, Progress } from '../../schema/job.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { eventsName } from '../../store/names.ts';
import { createFakeOrchestrator, type FakeOrchestrator } from './fake-orchestrator.ts';

interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Harness {
  readonly app: Api;
  readonly orchestrator: FakeOrchestrator;
  readonly store: ArtifactStore;
  readonly clock: TestClock;
  /** Without the lines of requests. */
  readonly logged: LogLine[];
  /** The lines of requests. */
  readonly requests: LogLine[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Starts the job of an image list behind an address. */
  startJob(url?: string): Promise<Job & { id: JobId }>;
  /** Writes a batch of events of the job's first run. */
  writeEvents(id: JobId, events: readonly JobEvent[]): Promise<void>;
}

export interface TestClock extends Clock {
  /** Called at the start of every sleep; time moves on when it is done. */
  onSleep: () => Promise<void> | void;
}

export function createTestClock(): TestClock {
  let time = Date.UTC(2026, 0, 1);
  const clock: TestClock = {
    onSleep: () => undefined,
    now: () => time,
    async sleep(milliseconds, signal) {
      await clock.onSleep();
      // A turn of the event loop, so that real input and output go on beside a loop that only sleeps.
      await new Promise((resolve) => setImmediate(resolve));
      if (!signal?.aborted) time += milliseconds;
    },
  };
  return clock;
}

/** Runs `use` with a fresh system, and removes its folder afterwards. */
export async function withApp(
  use: (harness: Harness) => Promise<void>,
  overrides: Partial<ApiDeps> = {},
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-api-'));
  try {
    const clock = createTestClock();
    const orchestrator = createFakeOrchestrator(clock.now);
    const store = createFolderStore(join(root, 'store'));
    const logged: LogLine[] = [];
    const requests: LogLine[] = [];
    const app = createApp({
      orchestrator,
      store,
      keys: [],
      maxUploadBytes: 1_000_000,
      version: '0.0.0-test',
      clock,
      log: (level, message, fields) =>
        (message === 'request' ? requests : logged).push({ level, message, fields }),
      ...overrides,
    });
    const post: Harness['post'] = async (path, body, headers = {}) =>
      app.request(path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', ...headers },
      });
    await use({
      app,
      orchestrator,
      store,
      clock,
      logged,
      requests,
      post,
      async startJob(url = 'https://example.com/a.png') {
        const response = await post('/v1/summaries', { source: { type: 'images', urls: [url] } });
        return (await response.json()) as Job & { id: JobId }; // the contract says so
      },
      async writeEvents(id, events) {
        const name = eventsName(id, 'run-1', events[0]?.id ?? 0);
        await store.put(name, new TextEncoder().encode(JSON.stringify(events)));
      },
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export const PROGRESS: Progress = {
  percent: 50,
  stage: 'describe',
  segments: { total: 2, done: 1, failed: 0 },
};

/** Events 1 to `count` of a job, the last of which is its end. */
export function sampleEvents(count: number): JobEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const base = {
      id: index + 1,
      time: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
      progress: PROGRESS,
    };
    if (index === count - 1) return { ...base, type: 'job.completed', gaps: 0 };
    if (index === 0) return { ...base, type: 'job.started' };
    return {
      ...base,
      type: 'segment.completed',
      segment: { index: index - 1, start_time: index, end_time: index + 1, frames: [], cached: false },
    };
  });
}
