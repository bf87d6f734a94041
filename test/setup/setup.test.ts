import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTool } from '../../cli/find-tool.ts';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'frameloom-setup-'));
  await writeFile(join(scratch, 'helm'), '#!/bin/sh\necho v3.22.0\n', { mode: 0o755 });
});
afterEach(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** Runs set-up of the package at `root` with a cache of its own. */
function setUp(purpose: string, settings: Readonly<Record<string, string>> = {}, root = packageRoot()) {
  return run(process.execPath, [join(root, 'scripts', 'setup.mjs'), purpose], {
    ...cleanEnv({ XDG_CACHE_HOME: join(scratch, 'cache') }),
    // A server and a Helm that are there: these tests build none.
    S3_ENDPOINT: 'http://127.0.0.1:7070',
    HELM_PATH: join(scratch, 'helm'),
    ...settings,
  });
}

/** A PATH on which there is nothing but Node and npm. */
async function barePath(): Promise<string> {
  const folder = join(scratch, 'bin');
  await mkdir(folder);
  await symlink(process.execPath, join(folder, 'node'));
  return folder;
}

const temporal = findTool('temporal', process.env) ?? '';

describe('scripts/setup.mjs', () => {
  it('records the tools it finds, and says nothing when nothing is missing', async () => {
    const first = await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(first.stderr).toMatch(/ffmpeg \d/);
    expect(first.code).toBe(0);
    const record = JSON.parse(
      await readFile(join(scratch, 'cache', 'frameloom', 'tools.json'), 'utf8'),
    ) as object;
    expect(Object.keys(record).sort()).toEqual(['chromium', 'ffmpeg', 'ffprobe', 'helm', 'temporal']);

    const second = await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(second).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('leaves a record by which the command finds the tools', async () => {
    await setUp('test', { TEMPORAL_CLI_PATH: temporal });
    expect(findTool('temporal', { XDG_CACHE_HOME: join(scratch, 'cache'), PATH: '' })).toBe(temporal);
  });

  it('looks again when its record was cut off', async () => {
    await mkdir(join(scratch, 'cache', 'frameloom'), { recursive: true });
    await writeFile(join(scratch, 'cache', 'frameloom', 'tools.json'), '{"ffmpeg": {"pa');
    const { code } = await setUp('start', { TEMPORAL_CLI_PATH: temporal });
    expect(code).toBe(0);
  });

  it('goes on after a set-up that was killed', async () => {
    await mkdir(join(scratch, 'cache', 'frameloom'), { recursive: true });
    // No process has an id this large.
    await writeFile(join(scratch, 'cache', 'frameloom', 'setup.lock'), '99999999');
    const { code } = await setUp('start', { TEMPORAL_CLI_PATH: temporal });
    expect(code).toBe(0);
  });

  it('needs no Temporal CLI to start when a server is given', async () => {
    const { code } = await setUp('start', { TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_CLI_PATH: '' });
    expect(code).toBe(0);
    const record = JSON.parse(
      await readFile(join(scratch, 'cache', 'frameloom', 'tools.json'), 'utf8'),
    ) as object;
    expect(Object.keys(record).sort()).toEqual(['ffmpeg', 'ffprobe']);
  });

  it.each(['FFMPEG_PATH', 'FFPROBE_PATH', 'TEMPORAL_CLI_PATH'])(
    'refuses a %s that names no such program',
    async (variable) => {
      const { code, stderr } = await setUp('start', { TEMPORAL_CLI_PATH: temporal, [variable]: '/bin/true' });
      expect(stderr).toContain(`${variable} does not name a working`);
      expect(code).toBe(1);
    },
  );

  it('says how to get what it can neither find nor install', async () => {
    const { code, stderr } = await setUp('start', { PATH: await barePath(), HOME: scratch });
    expect(stderr).toContain('ffmpeg was not found. Install it');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('explains itself when called for no purpose', async () => {
    const { code, stderr } = await setUp('everything');
    expect(stderr).toContain('demo|start|test|ci');
    expect(code).toBe(1);
  });
});

describe('node modules', () => {
  /** A package without dependencies, which npm installs from nothing but its lock file. */
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

  it('leave one clear message when npm fails', async () => {
    const root = await emptyPackage();
    await writeFile(join(root, 'package-lock.json'), '{');
    const { code, stderr } = await setUp('start', {}, root);
    expect(stderr).toContain('npm ci failed.');
    expect(code).toBe(1);
  });
});
