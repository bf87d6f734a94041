/** The embedded system for one test file, in its own home, with a client. */
import { openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { startEmbeddedSystem } from '../../cli/embedded/index.ts';
import type { EmbeddedSystem } from '../../cli/embedded/system.ts';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import type { FileId } from '../../schema/ids.ts';
import type { Job } from '../../schema/job.ts';

export interface TestSystem extends AsyncDisposable {
  readonly client: FrameloomClient;
  readonly url: string;
  readonly home: string;
  /** Returns the current process id. The model host is the child of the GPU worker. */
  pid(name: 'CPU worker' | 'GPU worker' | 'API' | 'Temporal server' | 'model host'): Promise<number>;
  upload(path: string): Promise<FileId>;
}

/** Starts the system in an empty home; `env` adds settings. Disposing stops every process and removes the home. */
export async function startSystem(env: Readonly<Record<string, string>> = {}): Promise<TestSystem> {
  const home = await mkdtemp(join(tmpdir(), 'frameloom-e2e-'));
  const system: EmbeddedSystem = await startEmbeddedSystem({
    env: { ...process.env, FRAMELOOM_LOG_LEVEL: 'warn', ...env },
    home,
    listen: { port: 0, host: '127.0.0.1', isDefault: false },
    namespace: 'default',
    onMessage: () => undefined,
  });
  const client = createClient({ url: system.url });
  function pidOf(name: string): number {
    const found = system.processes().find((running) => running.name === name);
    if (!found) throw new Error(`${name} is not running`);
    return found.pid;
  }
  return {
    client,
    home,
    url: system.url,
    pid: async (name) => (name === 'model host' ? childOf(pidOf('GPU worker')) : pidOf(name)),
    async upload(path) {
      return (await client.uploadFile(await openAsBlob(path), basename(path))).id;
    },
    async [Symbol.asyncDispose]() {
      await system.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Follows a job to its end and calls `onEvent` with each event. */
export async function follow(
  { client }: TestSystem,
  id: string,
  onEvent: (event: JobEvent) => Promise<void> | void = () => undefined,
): Promise<{ readonly job: Job; readonly events: readonly JobEvent[] }> {
  const events: JobEvent[] = [];
  for await (const event of client.streamEvents(id)) {
    events.push(event);
    await onEvent(event);
  }
  return { job: await client.getSummary(id), events };
}

/** Returns the peak resident set of a process, in bytes. */
export async function peakMemory(pid: number): Promise<number> {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

async function childOf(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(/\s+/);
  const [child] = children;
  if (!child) throw new Error(`process ${pid} has no child`);
  return Number(child);
}
