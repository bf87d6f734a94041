import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockHome } from '../../cli/embedded/home-lock.ts';
import { findRunningSystem, HomeInUseError } from '../../cli/embedded/index.ts';
import { identifyProcess } from '../../core/processes.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-lock-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const self = identifyProcess('supervisor', process.pid);

async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('the lock of a home folder', () => {
  it('rejects a second system while the first runs', async () => {
    const lock = await lockHome(home, self);
    await expect(lockHome(home, self)).rejects.toThrow(HomeInUseError);
    await lock.release();
    await (await lockHome(home, self)).release();
    expect(await readdir(home)).toEqual([]);
  });

  it('publishes the address of the running system', async () => {
    expect(await findRunningSystem(home)).toBeUndefined();
    const lock = await lockHome(home, self);
    await lock.publish({ url: 'http://127.0.0.1:4', processes: [] });
    expect(await findRunningSystem(home)).toBe('http://127.0.0.1:4');
    await expect(lockHome(home, self)).rejects.toThrow('at http://127.0.0.1:4');
    await lock.release();
    expect(await findRunningSystem(home)).toBeUndefined();
  });

  it('is taken over from a system that was killed', async () => {
    await lockHome(home, { name: 'supervisor', pid: await deadProcess(), startedAt: 'gone' });
    expect(await findRunningSystem(home)).toBeUndefined();
    await (await lockHome(home, self)).release();
  });

  it.runIf(process.platform === 'linux')(
    'is taken over when its process id belongs to another process now',
    async () => {
      await lockHome(home, { name: 'supervisor', pid: process.pid, startedAt: 'an earlier boot:1' });
      await (await lockHome(home, self)).release();
    },
  );

  it('is taken over when its file is incomplete', async () => {
    await writeFile(join(home, 'system.json'), '{"superv');
    await (await lockHome(home, self)).release();
  });

  it('waits for the processes of a system that was killed', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const stale = await lockHome(home, { name: 'supervisor', pid: await deadProcess(), startedAt: 'gone' });
    await stale.publish({ processes: [identifyProcess('orphan', orphan.pid ?? 0)] });
    const taken = lockHome(home, self);
    const first = await Promise.race([
      taken.then(() => 'taken'),
      new Promise((resolve) => setTimeout(resolve, 300, 'waiting')),
    ]);
    expect(first).toBe('waiting');
    orphan.kill('SIGKILL');
    await (await taken).release();
  });

  it('is acquired by exactly one of many concurrent callers', async () => {
    const gone = { name: 'supervisor', pid: await deadProcess(), startedAt: 'gone' };
    for (let round = 0; round < 50; round += 1) {
      await lockHome(home, gone);
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home, self)));
      const taken = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      expect(taken).toHaveLength(1);
      await taken[0]?.release();
    }
    expect(await readdir(home)).toEqual([]);
  });
});
