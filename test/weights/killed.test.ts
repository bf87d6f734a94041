import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createHubClient, pullWeights } from '../../weights/index.ts';
import { type FakeHub, hangAfter, seededBytes, startFakeHub } from '../support/fake-hub.ts';
import { pathOf, publish, watched } from './support.ts';

const DATA = seededBytes('data', 5_000_000);
const ARRIVED = 3_000_000;

/** Starts a pull in a child process and kills it after `ARRIVED` bytes. */
async function killAt(server: FakeHub, folder: string, set: unknown): Promise<void> {
  const child = fork(fileURLToPath(new URL('./pull-child.ts', import.meta.url)), {
    execArgv: ['--import', import.meta.resolve('tsx')],
  });
  const exit = once(child, 'exit');
  child.on('message', (message) => {
    if (message === 'ready') child.send({ endpoint: server.origin, folder, set });
    else if ((message as { bytes: number }).bytes >= ARRIVED) child.kill('SIGKILL'); // what the child sends
  });
  const [, signal] = await exit;
  expect(signal).toBe('SIGKILL');
}

it('resumes the download of a killed process without requesting any byte twice', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'frameloom-killed-'));
  const folder = join(parent, 'model');
  await using server = await startFakeHub();
  try {
    const set = publish(server, { 'genai_config.json': Buffer.from('{}'), 'text.onnx.data': DATA });
    server.injectFaults(pathOf('text.onnx.data'), hangAfter(ARRIVED));
    await killAt(server, folder, set);
    expect((await stat(join(folder, 'text.onnx.data.part'))).size).toBe(ARRIVED);

    server.requests.length = 0;
    await using hub = createHubClient({ endpoint: server.origin });
    await pullWeights(set, folder, watched(hub));
    expect(server.requests.map(({ path, range }) => ({ path, range }))).toEqual([
      { path: pathOf('text.onnx.data'), range: `bytes=${ARRIVED}-` },
      { path: pathOf('genai_config.json'), range: undefined },
    ]);
    expect((await readFile(join(folder, 'text.onnx.data'))).equals(DATA)).toBe(true);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});
