import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pythonWith } from '../../scripts/lib/python-env.ts';

let folder: string;
let env: NodeJS.ProcessEnv;
const said: string[] = [];
const say = (line: string): void => void said.push(line);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-python-'));
  await mkdir(join(folder, 'bin'));
  env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, XDG_CACHE_HOME: join(folder, 'cache') };
  said.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A fake python3 whose pip runs the shell code `install`; `$target` is the folder to fill. */
async function fakePython(install: string): Promise<void> {
  const path = join(folder, 'bin', 'python3');
  const lines = [
    '#!/bin/sh',
    'if [ "$1" = -c ]; then echo "3.11 24.0"; exit 0; fi',
    'if [ "$2" != pip ]; then echo "$1 with $(cat "$PYTHONPATH/marker")"; exit 0; fi',
    'while [ "$1" != --target ]; do shift; done',
    'target=$2',
    install,
  ];
  await writeFile(path, lines.join('\n'));
  await chmod(path, 0o755);
}

const cached = (): Promise<string[]> => readdir(join(folder, 'cache', 'frameloom'));

describe('Python for tests and benchmarks', () => {
  it('is missing with a reason if PATH has no python3', async () => {
    const found = await pythonWith('graphs', { env: { PATH: join(folder, 'bin') }, say });
    expect(found).toEqual({ reason: 'no Python: PATH leads to no python3' });
  });

  it('is missing with the message of pip if the installation fails, and leaves no files', async () => {
    await fakePython('echo "Collecting numpy" >&2; echo "ERROR: No matching distribution" >&2; exit 1');
    const found = await pythonWith('graphs', { env, say });
    expect(found.reason).toBe(
      'pip cannot install scripts/python/graphs.txt for Python 3.11: ERROR: No matching distribution',
    );
    expect(await cached()).toEqual([]);
  });

  it('installs its packages once and reports it', async () => {
    await fakePython('echo packages > "$target/marker"');
    await pythonWith('graphs', { env, say });
    const again = await pythonWith('graphs', { env, say });
    expect(said).toEqual([expect.stringContaining('scripts/python/graphs.txt')]);
    expect(await again.python?.run('scripts/graphs/small.py')).toMatch(/small\.py with packages\n$/);
  });

  it('gives concurrent callers the same complete folder', async () => {
    // Neither ends before both have begun.
    const meet = 'while [ "$(ls -d "$target"/../python-* | wc -l)" -lt 2 ]; do sleep 0.01; done';
    await fakePython(`${meet}; echo packages > "$target/marker"`);
    const both = await Promise.all([pythonWith('genai', { env, say }), pythonWith('genai', { env, say })]);
    for (const { python } of both) expect(await python?.run('x.py')).toMatch(/with packages\n$/);
    expect(await cached()).toHaveLength(1);
  });

  it('installs each list of packages in its own folder', async () => {
    await fakePython('echo packages > "$target/marker"');
    await pythonWith('genai', { env, say });
    await pythonWith('graphs', { env, say });
    expect(await cached()).toHaveLength(2);
  });
});
