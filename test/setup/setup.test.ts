import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../cli/find-tool.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';

/** Programs that set-up would otherwise build or install: name → what they print as their version. */
const FAKE_OUTPUT = {
  helm: 'v3.22.0',
  hadolint: 'Haskell Dockerfile Linter 2.15.1',
  'node-oldest': 'v20.9.0',
  'node-newest': 'v26.10.0',
};

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'frameloom-setup-'));
  for (const [name, output] of Object.entries(FAKE_OUTPUT))
    await writeFile(join(scratch, name), `#!/bin/sh\necho '${output}'\n`, { mode: 0o755 });
});
afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** Runs the set-up of the package at `root` with a separate cache. */
function setUp(purpose: string, settings: Readonly<Record<string, string>> = {}, root = packageRoot()) {
  return run(process.execPath, [join(root, 'scripts', 'setup.mjs'), purpose], {
    ...cleanEnv({ XDG_CACHE_HOME: join(scratch, 'cache') }),
    // A server and programs that exist: these tests install none.
    S3_ENDPOINT: 'http://127.0.0.1:7070',
    HELM_PATH: join(scratch, 'helm'),
    HADOLINT_PATH: join(scratch, 'hadolint'),
    OLDEST_NODE_PATH: join(scratch, 'node-oldest'),
    NEWEST_NODE_PATH: join(scratch, 'node-newest'),
    ...settings,
  });
}

/** A PATH with nothing but Node. */
async function barePath(): Promise<string> {
  const folder = join(scratch, 'bin');
  await mkdir(folder);
  await symlink(process.execPath, join(folder, 'node'));
  return folder;
}

const temporal = findTool('temporal', process.env) ?? '';

describe('scripts/setup.mjs', () => {
  it('records the tools it finds, and prints nothing when nothing is missing', async () => {
    const first = await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(first.stderr).toMatch(/ffmpeg \d/);
    expect(first.code).toBe(0);
    const record = JSON.parse(
      await readFile(join(scratch, 'cache', 'frameloom', 'tools.json'), 'utf8'),
    ) as object;
    expect(Object.keys(record).sort()).toEqual([
      'chromium',
      'ffmpeg',
      'ffprobe',
      'hadolint',
      'helm',
      'node-newest',
      'node-oldest',
      'temporal',
    ]);

    const second = await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(second).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('writes a record in which the command finds the tools', async () => {
    await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(findTool('temporal', { XDG_CACHE_HOME: join(scratch, 'cache'), PATH: '' })).toBe(temporal);
  });

  it('searches again when its record is truncated', async () => {
    await mkdir(join(scratch, 'cache', 'frameloom'), { recursive: true });
    await writeFile(join(scratch, 'cache', 'frameloom', 'tools.json'), '{"ffmpeg": {"pa');
    const { code } = await setUp('start', { TEMPORAL_CLI_PATH: temporal });
    expect(code).toBe(0);
  });

  it('continues after a set-up that was killed', async () => {
    await mkdir(join(scratch, 'cache', 'frameloom'), { recursive: true });
    // No process has an id this large.
    await writeFile(join(scratch, 'cache', 'frameloom', 'setup.lock'), '99999999');
    const { code } = await setUp('start', { TEMPORAL_CLI_PATH: temporal });
    expect(code).toBe(0);
  });

  it('needs no Temporal CLI to start when a server is configured', async () => {
    const { code } = await setUp('start', { TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_CLI_PATH: '' });
    expect(code).toBe(0);
    const record = JSON.parse(
      await readFile(join(scratch, 'cache', 'frameloom', 'tools.json'), 'utf8'),
    ) as object;
    expect(Object.keys(record).sort()).toEqual(['ffmpeg', 'ffprobe']);
  });

  it.each(['FFMPEG_PATH', 'FFPROBE_PATH', 'TEMPORAL_CLI_PATH'])(
    'rejects a %s that names another program',
    async (variable) => {
      const { code, stderr } = await setUp('start', { TEMPORAL_CLI_PATH: temporal, [variable]: '/bin/true' });
      expect(stderr).toContain(`${variable} does not name a working`);
      expect(code).toBe(1);
    },
  );

  it('explains how to install a program that it can neither find nor install', async () => {
    const { code, stderr } = await setUp('start', { PATH: await barePath(), HOME: scratch });
    expect(stderr).toContain('ffmpeg was not found. Install it');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('prints its usage for an unknown purpose', async () => {
    const { code, stderr } = await setUp('everything');
    expect(stderr).toContain('demo|start|test|ci');
    expect(code).toBe(1);
  });
});

describe('node modules', () => {
  /** A package without dependencies: npm needs only its lock file. */
  async function emptyPackage(): Promise<string> {
    const root = join(scratch, 'package');
    await cp(join(packageRoot(), 'scripts', 'setup.mjs'), join(root, 'scripts', 'setup.mjs'));
    await cp(join(packageRoot(), 'scripts', 'setup'), join(root, 'scripts', 'setup'), { recursive: true });
    await writeFile(join(root, 'package.json'), '{"name":"empty","version":"1.0.0"}');
    await writeLock(root, 'empty');
    return root;
  }

  async function writeLock(root: string, name: string): Promise<void> {
    const lock = {
      name,
      version: '1.0.0',
      lockfileVersion: 3,
      packages: { '': { name: 'empty', version: '1.0.0' } },
    };
    await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
  }

  it('are installed when they are missing, and again only when the lock file changed', async () => {
    const root = await emptyPackage();
    const settings = { TEMPORAL_ADDRESS: '127.0.0.1:7233' };
    const first = await setUp('start', settings, root);
    expect(first.stderr).toContain('node modules: installed');
    const second = await setUp('start', settings, root);
    expect(second.stderr).toBe('');
    await writeLock(root, 'renamed');
    const third = await setUp('start', settings, root);
    expect(third.stderr).toContain('node modules: installed');
  });

  it('are reported in one clear message when npm fails', async () => {
    const root = await emptyPackage();
    await writeFile(join(root, 'package-lock.json'), '{');
    const { code, stderr } = await setUp('start', {}, root);
    expect(stderr).toContain('npm ci failed.');
    expect(code).toBe(1);
  });
});
