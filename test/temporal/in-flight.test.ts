/** What a killed worker had in hand is due again as soon as another process starts beside it, on a real server. */
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
let told: LogEntry[];
let dead: number;
let worker: ChildProcess | undefined;

beforeAll(async () => {
  temporal = await startTemporal();
  await temporal.work({
    taskQueue: 'workflow',
    workflowsPath: fileURLToPath(new URL('in-flight-workflow.ts', import.meta.url)),
  });
  const ended = spawn(process.execPath, ['-e', '']);
  await once(ended, 'close');
  dead = ended.pid ?? 0;
}, 60_000);
afterAll(() => temporal[Symbol.asyncDispose]());

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-in-hand-'));
  told = [];
});
afterEach(async () => {
  await killWorker();
  await rm(root, { recursive: true, force: true });
});

const open = (): Promise<InFlightRecords> =>
  openInFlightRecords(root, new DefaultLogger('DEBUG', (entry) => told.push(entry)));
const messages = (): readonly string[] => told.map(({ message }) => message);

/** Takes over from the processes that are gone. */
async function takeOver(): Promise<void> {
  await using inHand = await open();
  await inHand.failOrphaned(temporal.native, 'default');
}

/** Starts a worker and waits until it has `two` in hand and is done with `one`. */
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

it('is done by the next worker at once, whatever the heartbeat timeout, and what was finished is not done again', async () => {
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
  await temporal.work({ taskQueue: 'hands', activities: { work: async () => 'by the next one' } });
  expect(await handle.result()).toEqual([1, 'by the next one']);
  expect(messages()).toEqual(['gave up what a killed worker had in hand']);
  expect(await readdir(root)).toEqual([]);

  const attempts = (await handle.fetchHistory()).events?.flatMap(
    ({ activityTaskStartedEventAttributes: started }) => (started ? [started] : []),
  );
  expect(attempts?.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(attempts?.[1]?.lastFailure).toMatchObject({
    message: 'The worker that was at it has ended.',
    applicationFailureInfo: { type: 'internal', nonRetryable: false },
  });
}, 60_000);

describe('notes', () => {
  it('of a worker that runs are its own', async () => {
    const folder = join(root, `${hostname()}-${process.ppid}`);
    await mkdir(folder);
    await writeFile(join(folder, '0'), '{"token":"AA==","attempt":1}');
    await takeOver();
    expect(messages()).toEqual([]);
    expect(await readFile(join(folder, '0'), 'utf8')).toContain('AA==');
  });

  it('that a full disk cut off are passed over', async () => {
    const folder = join(root, `${hostname()}-${dead}`);
    await mkdir(folder);
    for (const [index, text] of ['', '{"token":"A', '{}', 'null'].entries())
      await writeFile(join(folder, String(index)), text);
    await takeOver();
    expect(messages()).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  it('that the server makes nothing of are left to the timeout, and said', async () => {
    const folder = join(root, `${hostname()}-${dead}`);
    await mkdir(folder);
    await writeFile(join(folder, '0'), '{"token":"AAAA","attempt":1}');
    await takeOver();
    expect(messages()).toEqual(['what a killed worker had in hand is left to its timeout']);
  });

  it('outlast the work by the way of its end to the server', async () => {
    await using inHand = await open();
    const info = { base64TaskToken: 'AAAA', attempt: 1 };
    const { inbound } = inHand.interceptor({ info } as never); // all of the context that is looked at
    await inbound?.execute?.({ args: [], headers: {} }, async () => 'done');
    expect(await readdir(join(root, `${hostname()}-${process.pid}`))).toHaveLength(1);
  });

  it('that cannot be written cost no work', async () => {
    await using inHand = await open();
    await rm(root, { recursive: true });
    const info = { base64TaskToken: 'AAAA', attempt: 1 };
    const { inbound } = inHand.interceptor({ info } as never); // all of the context that is looked at
    const input = { args: [], headers: {} };
    expect(await inbound?.execute?.(input, async () => 'done')).toBe('done');
    expect(messages()).toEqual(['what is in hand is not noted']);
    await mkdir(root);
  });
});
