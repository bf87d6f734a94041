/**
 * Activities that a killed worker had in flight are retried as soon as another process starts on its machine.
 * On a real server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InFlightRecords } from '../../temporal/grpc/in-flight.ts';
import { openInFlightRecords } from '../../temporal/grpc/index.ts';
import { startTemporal, type TestTemporal } from '../support/temporal.ts';
import type { both } from './in-flight-workflow.ts';

const child = fileURLToPath(new URL('in-flight-child.ts', import.meta.url));
let temporal: TestTemporal;
let root: string;
let logged: LogEntry[];
let dead: number;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  temporal = await startTemporal();
  await temporal.runWorkers({
    taskQueue: 'workflow',
    workflowsPath: fileURLToPath(new URL('in-flight-workflow.ts', import.meta.url)),
  });
  const ended = spawn(process.execPath, ['-e', '']);
  await once(ended, 'close');
  dead = ended.pid ?? 0;
}, 60_000);
afterAll(() => temporal[Symbol.asyncDispose]());

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-in-flight-'));
  logged = [];
});
afterEach(async () => {
  await killWorker();
  await rm(root, { recursive: true, force: true });
});

const open = (): Promise<InFlightRecords> =>
  openInFlightRecords(root, new DefaultLogger('DEBUG', (entry) => logged.push(entry)));
const messages = (): readonly string[] => logged.map(({ message }) => message);

/** Starts a process that takes over from those that have ended. */
async function takeOver(): Promise<void> {
  await using inFlight = await open();
  await inFlight.failOrphaned(temporal.native, 'default');
}

/** Starts a worker and waits until it has `two` in flight and has finished `one`. */
async function startWorker(): Promise<void> {
  const started = spawn(process.execPath, ['--import', 'tsx', child, temporal.server.address, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  worker = started;
  const begun = new Set<string>();
  for await (const line of createInterface({ input: started.stdout })) if (begun.add(line).size === 2) break;
}

async function killWorker(): Promise<void> {
  const killed = worker;
  worker = undefined;
  if (killed?.kill('SIGKILL')) await once(killed, 'exit');
}

it('retries an activity of a killed worker at once, and repeats no finished one', async () => {
  const handle = await temporal.client.workflow.start<typeof both>('both', {
    workflowId: 'killed',
    taskQueue: 'workflow',
    args: [],
  });
  await startWorker();
  await expect
    .poll(async () =>
      (await handle.fetchHistory()).events?.filter((e) => e.activityTaskCompletedEventAttributes),
    )
    .toHaveLength(1);
  await killWorker();

  await takeOver();
  await temporal.runWorkers({
    taskQueue: 'in-flight',
    activities: { work: async () => 'by the next worker' },
  });
  expect(await handle.result()).toEqual([1, 'by the next worker']);
  expect(messages()).toEqual(['reported an attempt of a killed worker as failed']);
  expect(await readdir(root)).toEqual([]);

  const attempts = (await handle.fetchHistory()).events?.flatMap(
    ({ activityTaskStartedEventAttributes: started }) => (started ? [started] : []),
  );
  expect(attempts?.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(attempts?.[1]?.lastFailure).toMatchObject({
    message: 'The worker that ran this attempt was killed.',
    applicationFailureInfo: { type: 'internal', nonRetryable: false },
  });
}, 60_000);

describe('a record', () => {
  it('of a running worker is left alone', async () => {
    const folder = join(root, `${hostname()}-${process.ppid}`);
    await mkdir(folder);
    await writeFile(join(folder, '0'), '{"token":"AA==","attempt":1}');
    await takeOver();
    expect(messages()).toEqual([]);
    expect(await readFile(join(folder, '0'), 'utf8')).toContain('AA==');
  });

  it('that is truncated is skipped', async () => {
    const folder = join(root, `${hostname()}-${dead}`);
    await mkdir(folder);
    for (const [index, text] of ['', '{"token":"A', '{}', 'null'].entries())
      await writeFile(join(folder, String(index)), text);
    await takeOver();
    expect(messages()).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  it('that the server does not know is left to the heartbeat timeout and logged', async () => {
    const folder = join(root, `${hostname()}-${dead}`);
    await mkdir(folder);
    await writeFile(join(folder, '0'), '{"token":"AAAA","attempt":1}');
    await takeOver();
    expect(messages()).toEqual(['an attempt of a killed worker waits for its heartbeat timeout']);
  });

  it('outlives its activity until the result has reached the server', async () => {
    await using inFlight = await open();
    const info = { base64TaskToken: 'AAAA', attempt: 1 };
    const { inbound } = inFlight.interceptor({ info } as never); // the only part of the context that is read
    await inbound?.execute?.({ args: [], headers: {} }, async () => 'done');
    expect(await readdir(join(root, `${hostname()}-${process.pid}`))).toHaveLength(1);
  });

  it('that cannot be written does not fail the activity', async () => {
    await using inFlight = await open();
    await rm(root, { recursive: true });
    const info = { base64TaskToken: 'AAAA', attempt: 1 };
    const { inbound } = inFlight.interceptor({ info } as never); // the only part of the context that is read
    const input = { args: [], headers: {} };
    expect(await inbound?.execute?.(input, async () => 'done')).toBe('done');
    expect(messages()).toEqual(['a record of an activity in flight could not be written']);
    await mkdir(root);
  });
});
