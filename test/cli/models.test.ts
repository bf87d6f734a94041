import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { models } from '../../cli/commands/models/index.ts';
import { UsageError } from '../../cli/context.ts';
import { commandEntry } from '../../cli/package-root.ts';
import { loadSettings } from '../../config/settings.ts';
import {
  corrupt,
  type FakeHub,
  type Fault,
  hangAfter,
  respondWith,
  startFakeHub,
} from '../support/fake-hub.ts';
import {
  API_PATH,
  COMMIT_SHA,
  downloadPath,
  FILES,
  PINNED_REVISION,
  publishRepository,
} from '../support/fake-model-repository.ts';
import { cleanEnv, type Ended, runFrameloom } from './run-frameloom.ts';

const NAME = 'phi-3.5-vision-transformers.js';
const PULL = ['models', 'pull', 'phi-3.5-vision', '--variant', 'transformers.js'] as const;
const VERIFY = ['models', 'verify', NAME] as const;
const DATA = 'onnx/model_q4.onnx_data';

let home: string;
let server: FakeHub;
let settings: Record<string, string>;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-models-'));
  server = await startFakeHub();
  publishRepository(server);
  settings = { FRAMELOOM_HOME: home, HF_ENDPOINT: server.origin, HF_TOKEN: 'hf_secret' };
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const frameloom = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  runFrameloom(args, { ...settings, ...more });
const inModel = (name: string): string => join(home, 'models', NAME, name);

/** A pull that has begun and does not end: the server holds back the rest of one file. */
async function stuckPull(): Promise<{ readonly child: ChildProcess; readonly ended: Promise<Ended> }> {
  const reached = new Promise<void>((resolve) => {
    const fault: Fault = (exchange) => {
      hangAfter(4000)(exchange);
      resolve();
    };
    server.injectFaults(downloadPath(DATA), fault);
  });
  const child = spawn(process.execPath, [...commandEntry(), ...PULL], {
    env: cleanEnv(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }));
  await reached;
  return { child, ended };
}

describe('frameloom models pull', () => {
  it('installs a model that verify accepts and a second pull does not download again', async () => {
    const pulled = await frameloom(PULL);
    expect(pulled).toMatchObject({ code: 0 });
    expect(pulled.stdout).toContain(`${NAME} is ready: 10 files, 30.1 kB, all checksums match.`);
    expect(pulled.stdout).toContain(`FRAMELOOM_MODEL=${NAME}`);
    expect(pulled.stderr).toContain(`10/10 config.json downloaded`);
    const profile = JSON.parse(await readFile(inModel('frameloom.json'), 'utf8')) as unknown; // checked below
    expect(profile).toMatchObject({ name: NAME, revision: COMMIT_SHA, images_per_prompt: { '4': 5 } });

    const listed = JSON.parse((await frameloom(['models', 'list', '--json'])).stdout) as { name: string }[]; // as printed
    expect(listed.map(({ name }) => name)).toContain(NAME);
    expect(await frameloom(VERIFY)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is complete: 10 files'),
    });

    server.requests.length = 0;
    expect(await frameloom(PULL)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is already complete'),
    });
    expect(server.requests.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });

  it('keeps edits of the profile and updates the origin of the weights', async () => {
    await frameloom(PULL);
    const profile = JSON.parse(await readFile(inModel('frameloom.json'), 'utf8')) as Record<string, unknown>; // as written
    await writeFile(
      inModel('frameloom.json'),
      JSON.stringify({ ...profile, images_per_prompt: { '4': 2 }, revision: 'an older one' }),
    );
    await frameloom(PULL);
    expect(JSON.parse(await readFile(inModel('frameloom.json'), 'utf8'))).toEqual({
      ...profile,
      images_per_prompt: { '4': 2 },
    });
  });

  it('installs the model in FRAMELOOM_MODELS if that is set', async () => {
    const elsewhere = join(home, 'elsewhere');
    expect(await frameloom(PULL, { FRAMELOOM_MODELS: elsewhere })).toMatchObject({ code: 0 });
    await access(join(elsewhere, NAME, 'config.json'));
    expect(await frameloom(VERIFY, { FRAMELOOM_MODELS: elsewhere })).toMatchObject({ code: 0 });
  });

  it('installs another dtype beside the default one', async () => {
    const { code } = await frameloom([...PULL, '--dtype', 'model=q4f16']);
    expect(code).toBe(0);
    await access(join(home, 'models', `${NAME}-q4-q4-q4f16`, 'onnx', 'model_q4f16.onnx'));
  });

  it.each([
    ['401', { revision: respondWith(401) }, 'HF_TOKEN'],
    ['404', { file: respondWith(404) }, 'HF_ENDPOINT'],
    ['other content, twice', { file: corrupt, again: corrupt }, 'differs from what was published'],
    [
      'a rate limit of two hours',
      { file: respondWith(429, { 'retry-after': '7200' }) },
      'Retry-After: 7200 s',
    ],
  ])('prints advice after %s, without path or stack, and exits with 1', async (_what, faults, advice) => {
    const { revision, file, again } = faults as Record<string, Fault | undefined>; // each has some of them
    if (revision) server.injectFaults(`${API_PATH}/revision/${PINNED_REVISION}`, revision);
    if (file) server.injectFaults(downloadPath(DATA), file, ...(again ? [again] : []));
    const { code, stdout, stderr } = await frameloom(PULL);
    expect(stderr).toContain(advice);
    expect(stderr).not.toContain(home);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stderr).not.toContain('hf_secret');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it('rejects a folder that another pull is writing to', async () => {
    const { child, ended } = await stuckPull();
    const second = await frameloom(PULL);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`Another pull of this model is running, as process ${child.pid}.`);
    child.kill('SIGKILL');
    await ended;
  });

  it('prints how to continue when it is interrupted, exits with 130, and continues', async () => {
    const { child, ended } = await stuckPull();
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('The downloaded parts are kept');
    expect(stderr).toContain('The same command continues');
    expect(await frameloom(PULL)).toMatchObject({ code: 0 });
    expect(
      server.requests.find(({ path, range }) => path === downloadPath(DATA) && range !== undefined),
    ).toBeDefined();
  });

  it('continues after a killed pull that left its lock', async () => {
    const { child, ended } = await stuckPull();
    child.kill('SIGKILL');
    await ended;
    await access(`${join(home, 'models', NAME)}.lock`);
    expect(await frameloom(PULL)).toMatchObject({ code: 0 });
    expect(await frameloom(VERIFY)).toMatchObject({ code: 0 });
  });
});

describe('frameloom models verify', () => {
  it('lists damaged and missing files with exit code 1, and the pull it advises repairs them', async () => {
    await frameloom(PULL);
    await writeFile(inModel(DATA), Buffer.alloc(FILES[DATA]?.length ?? 0));
    await rm(inModel('tokenizer.json'));
    const { code, stdout } = await frameloom(VERIFY);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^damaged +onnx\/model_q4\.onnx_data$/m);
    expect(stdout).toMatch(/^missing +tokenizer\.json$/m);
    expect(stdout).toContain(`frameloom ${PULL.join(' ')}`);
    const report = JSON.parse((await frameloom([...VERIFY, '--json'])).stdout) as {
      ok: boolean;
      files: unknown[];
    }; // as printed
    expect(report.ok).toBe(false);
    expect(report.files).toContainEqual({ path: DATA, state: 'damaged' });

    server.requests.length = 0;
    await frameloom(PULL);
    expect(server.requests.map(({ path }) => path).filter((path) => path.includes('/resolve/'))).toEqual(
      ['tokenizer.json', DATA, 'config.json'].map(downloadPath),
    );
    expect(await frameloom(VERIFY)).toMatchObject({ code: 0 });
  });

  it('prints how to download missing weights', async () => {
    const { code, stdout } = await frameloom(['models', 'verify', 'phi-3.5-vision']);
    expect(code).toBe(1);
    expect(stdout).toContain('11 of 11 files missing or damaged');
    expect(stdout).toContain('frameloom models pull phi-3.5-vision');
  });

  it.each([
    ['a model without published checksums', 'tiny-phi3v', 'no published checksums'],
    ['a model that is not installed', 'unheard-of', 'The model "unheard-of" is not installed'],
  ])('rejects %s', async (_what, name, text) => {
    const { code, stderr } = await frameloom(['models', 'verify', name]);
    expect(stderr).toContain(text);
    expect(code).toBe(1);
  });
});

describe('wrong arguments for weights', () => {
  it.each([
    ['no action', []],
    ['no name', ['pull']],
    ['a model without weights to pull', ['pull', 'tiny-phi3v']],
    ['an unknown variant', ['pull', 'phi-3.5-vision', '--variant', 'tpu']],
    ['a dtype where there is no choice', ['pull', 'phi-3.5-vision', '--dtype', 'q4']],
    ['an unknown dtype', [...PULL.slice(1), '--dtype', 'q3']],
    ['an unknown graph', [...PULL.slice(1), '--dtype', 'decoder=q4']],
    ['two names', ['verify', 'phi-3.5-vision', 'tiny-phi3v']],
    ['an unsupported --json', ['pull', 'phi-3.5-vision', '--json']],
  ])('with %s throw a UsageError before any request to the server', async (_what, args) => {
    const { stdout, stderr } = process;
    const { signal } = new AbortController();
    const context = { env: {}, settings: loadSettings(settings), stdout, stderr, signal };
    await expect(models.run(args, context)).rejects.toBeInstanceOf(UsageError);
    expect(server.requests).toEqual([]);
  });

  it('print the usage and exit with 2', async () => {
    const { code, stdout, stderr } = await frameloom(['models', 'pull']);
    expect(stderr).toContain('usage: frameloom models');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['HF_ENDPOINT', 'ftp://mirror'],
    ['HF_TOKEN', 'two words'],
  ])('report a malformed %s', (name, value) => {
    expect(() => loadSettings({ [name]: value })).toThrow(name);
  });
});
