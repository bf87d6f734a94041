/** What a worker downloads is gone when the worker is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScratchFolder } from '../../workers/process/index.ts';

const DAY = 24 * 3_600_000;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-scratch-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('the scratch folder of a worker', () => {
  it('goes with the worker, with all that lies in it', async () => {
    {
      await using scratch = await createScratchFolder(root);
      await writeFile(join(scratch.path, 'half a download'), 'x');
    }
    expect(await readdir(root)).toEqual([]);
  });

  it('that a killed worker of this machine left is removed by the next one', async () => {
    const killed = spawn(process.execPath, ['-e', '']);
    await once(killed, 'close');
    await mkdir(join(root, `${hostname()}-${killed.pid}`));
    await using scratch = await createScratchFolder(root);
    expect(await readdir(root)).toEqual([`${hostname()}-${process.pid}`]);
    expect(await readdir(scratch.path)).toEqual([]);
  });

  it('that a worker with the same process id left is empty again', async () => {
    await mkdir(join(root, `${hostname()}-${process.pid}`, 'download-x'), { recursive: true });
    await using scratch = await createScratchFolder(root);
    expect(await readdir(scratch.path)).toEqual([]);
  });

  it('of a worker that runs is left alone, here or on another machine', async () => {
    const names = [`${hostname()}-${process.ppid}`, 'other.example-17'];
    for (const name of names) await mkdir(join(root, name));
    await using _scratch = await createScratchFolder(root);
    expect(await readdir(root)).toEqual(expect.arrayContaining(names));
  });

  it('of another machine is removed after a day', async () => {
    const path = join(root, 'other.example-17');
    await mkdir(path);
    await utimes(path, new Date(Date.now() - 2 * DAY), new Date(Date.now() - 2 * DAY));
    await using _scratch = await createScratchFolder(root);
    expect(await readdir(root)).toEqual([`${hostname()}-${process.pid}`]);
  });
});
