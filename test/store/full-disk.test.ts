import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFolderStore } from '../../store/folder/index.ts';
import { all, mebibytes, sha256Of, text } from './contract.ts';

let reason: string | undefined;
const disk = await mkdtemp(join(tmpdir(), 'frameloom-disk-'));
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { stdio: 'ignore' });
} catch {
  reason = 'no small file system can be mounted here: that needs root';
}

describe.skipIf(reason !== undefined)(`a folder on a full disk${reason ? ` (${reason})` : ''}`, () => {
  afterAll(async () => {
    execFileSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });

  it('reports a full disk, keeps no incomplete artifact and all complete ones, and works again with free space', async () => {
    const store = createFolderStore(join(disk, 'store'));
    const { name } = await store.putByContent('sources', mebibytes(5));
    const full = { name: 'StoreError', code: 'full' };
    await expect(store.put('frames/large', mebibytes(5))).rejects.toMatchObject(full);
    await expect(store.putByContent('sources', mebibytes(6))).rejects.toMatchObject(full);
    expect(await readdir(join(disk, 'store', '.staging'))).toEqual([]);
    expect(await all(store.list(''))).toEqual([name]);
    expect(await sha256Of(await store.read(name))).toBe(await sha256Of(mebibytes(5)));
    await store.put('frames/small', text('there is room for this'));

    await store.delete(name);
    await store.put('frames/large', mebibytes(5));
    expect(await sha256Of(await store.read('frames/large'))).toBe(await sha256Of(mebibytes(5)));
  });
});
