/** A video of a given length, and jobs on it in a separate system. */
import { openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedSystem } from '../../cli/embedded/index.ts';
import type { EmbeddedSystem } from '../../cli/embedded/system.ts';
import { createClient, type FrameloomClient } from '../../client/index.ts';
import type { JobEvent } from '../../schema/events.ts';
import { makeVideo } from '../../test/world/video.ts';

/** Duration of each scene of the video. */
const SHOT_SECONDS = 5;

/** Runs `use` with a generated video of `length` seconds and a folder for data, and removes both. */
export async function withVideo(
  length: number,
  use: (video: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'frameloom-bench-'));
  try {
    const video = join(folder, 'video.mp4');
    await makeVideo(video, {
      seed: 5,
      seconds: length,
      shots: Math.max(1, Math.round(length / SHOT_SECONDS)),
    });
    await use(video, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function startSystem(home: string): Promise<EmbeddedSystem> {
  return startEmbeddedSystem({
    env: { ...process.env, FRAMELOOM_LOG_LEVEL: 'error' },
    home,
    listen: { port: 0, host: '127.0.0.1', isDefault: false },
    namespace: 'default',
    onMessage: () => undefined,
  });
}

export interface MeasuredJob {
  /** From the POST to the last event. */
  readonly milliseconds: number;
  /** From the POST to the first event on the stream, and to the first that the workflow wrote. */
  readonly firstEvent: number;
  readonly started: number;
  readonly segments: number;
  readonly status: string;
}

/** Uploads, starts and follows a job; `onEvent` gets each event. The upload is not measured. */
export async function runJob(
  client: FrameloomClient,
  video: string,
  onEvent: (event: JobEvent) => void = () => undefined,
): Promise<MeasuredJob> {
  const file = await client.uploadFile(await openAsBlob(video), 'video.mp4');
  const began = performance.now();
  const { id } = await client.createSummary({ source: { type: 'video', file_id: file.id } });
  let firstEvent: number | undefined;
  let started = 0;
  for await (const event of client.streamEvents(id)) {
    firstEvent ??= performance.now() - began;
    if (event.type === 'job.started') started = performance.now() - began;
    onEvent(event);
  }
  const milliseconds = performance.now() - began;
  const { progress, status } = await client.getSummary(id);
  return { milliseconds, firstEvent: firstEvent ?? 0, started, segments: progress.segments.total, status };
}

/** Ticks of a second in /proc/PID/stat: USER_HZ of Linux on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Returns the CPU time so far of each process without its children, in seconds (fields 14 and 15 of /proc/PID/stat, proc(5)). */
export async function cpuSeconds(system: EmbeddedSystem): Promise<ReadonlyMap<string, number>> {
  const times = system.processes().map(async ({ name, pid }) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces. Field 3 follows it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [name, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND] as const;
  });
  return new Map(await Promise.all(times));
}

/** Prints the largest resident set so far of each process, and of its children. */
export async function printMemory(system: EmbeddedSystem): Promise<void> {
  for (const { name, pid } of system.processes()) {
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    const peaks = [pid, ...children.map(Number)].map(async (id) => {
      const kilobytes = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${id}/status`, 'utf8'))?.[1];
      return `${Math.round(Number(kilobytes) / 1024)} MiB`;
    });
    console.log(`  peak memory of ${name.padEnd(16)} ${(await Promise.all(peaks)).join(', its children ')}`);
  }
}

export function clientOf(system: EmbeddedSystem): FrameloomClient {
  return createClient({ url: system.url });
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
