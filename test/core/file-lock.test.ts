import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireFileLock, type FileLock } from '../../core/file-lock.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-file-lock-'));
  file = join(folder, 'lock');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

class Held extends Error {}

function acquire(content: string, living = content): Promise<FileLock> {
  return acquireFileLock(file, {
    content,
    rejectIfHeld(found) {
      if (found === living) throw new Held(found);
    },
  });
}

describe('the lock file', () => {
  it('names its holder and goes with it', async () => {
    {
      await using _lock = await acquire('first');
      expect(await readFile(file, 'utf8')).toBe('first');
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('rejects a second holder while the first is alive', async () => {
    const lock = await acquire('first');
    await expect(acquire('second', 'first')).rejects.toThrow(Held);
    await lock.release();
    await (await acquire('second', 'first')).release();
  });

  it('is taken over from a holder that is gone', async () => {
    await acquire('gone');
    const lock = await acquire('second');
    expect(await readFile(file, 'utf8')).toBe('second');
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('replaces its content', async () => {
    const lock = await acquire('first');
    await lock.update('first, ready');
    await expect(acquire('second', 'first, ready')).rejects.toThrow(Held);
    await lock.release();
  });

  it('admits one of many concurrent callers', async () => {
    await acquire('gone');
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => acquire('new')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('ignores the guard of a process that was killed while it removed a stale lock', async () => {
    await acquire('gone');
    await writeFile(`${file}.removing`, '');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(`${file}.removing`, longAgo, longAgo);
    await (await acquire('new')).release();
    expect(await readdir(folder)).toEqual([]);
  });
});
