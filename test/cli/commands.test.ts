import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFrameloom } from './run-frameloom.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-cli-'));
});
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

const frameloom = (args: readonly string[], settings: Readonly<Record<string, string>> = {}) =>
  runFrameloom(args, { FRAMELOOM_HOME: home, ...settings });

describe('frameloom', () => {
  it('prints its version', async () => {
    const { code, stdout } = await frameloom(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('lists every command with --help', async () => {
    const { code, stdout } = await frameloom(['--help']);
    expect(code).toBe(0);
    for (const name of ['summarize', 'batch', 'jobs', 'start', 'serve', 'worker', 'models', 'doctor']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('explains one command with --help', async () => {
    const { code, stdout } = await frameloom(['summarize', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Exit codes: 0 complete, 3 with gaps, 1 failed, 2 wrong usage.');
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['sumarize']],
    ['an unknown option', ['summarize', 'x.mp4', '--speed', '3']],
    ['no source', ['summarize']],
    ['a malformed number', ['summarize', 'x.mp4', '--fps', 'fast']],
    ['a value outside its range', ['summarize', 'x.mp4', '--fps', '1000']],
    ['two ways of sampling', ['summarize', 'x.mp4', '--fps', '1', '--frames', '5']],
    ['an end before the start', ['summarize', 'x.mp4', '--start', '1:00', '--end', '30']],
    ['an unknown detail', ['summarize', 'x.mp4', '--detail', 'extreme']],
    ['files and addresses together', ['summarize', 'x.mp4', 'https://example.com/y.mp4']],
    ['two videos', ['summarize', 'https://example.com/x.mp4', 'https://example.com/y.mp4']],
    ['an unknown worker role', ['worker', 'tpu']],
    ['a job without its id', ['jobs', 'get']],
    ['an unknown action', ['jobs', 'stop', 'sum_x']],
    ['a batch without its id', ['batch', 'status']],
    ['a batch without a file for results', ['batch', 'run', 'lines.jsonl']],
    ['an extra argument', ['models', 'list', 'all']],
  ])('rejects %s with the usage on stderr and exit code 2', async (_what, args) => {
    const { code, stdout, stderr } = await frameloom(args);
    expect(stderr).toContain('usage: frameloom');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['an unknown setting', 'FRAMELOOM_PROT', '1'],
    ['a malformed setting', 'FRAMELOOM_PORT', 'http'],
    ['a value that is not one of the choices', 'FRAMELOOM_LOG_LEVEL', 'loud'],
  ])('rejects %s with a message that names it', async (_what, name, value) => {
    const { code, stderr } = await frameloom(['doctor'], { [name]: value });
    expect(stderr).toContain(name);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('reports a missing source without its folder, and exits with 1', async () => {
    const { code, stderr } = await frameloom(['summarize', join(home, 'nothing.mp4')]);
    expect(code).toBe(1);
    expect(stderr).toContain('nothing.mp4');
    expect(stderr).not.toContain(home);
  });

  it('reports an unreachable server and exits with 1', async () => {
    const { code, stderr } = await frameloom(['jobs', 'list'], { FRAMELOOM_URL: 'http://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(stderr).toContain('The server does not respond.');
  });
});

interface Listed {
  readonly name: string;
  readonly complete: boolean;
  readonly message: string;
  readonly variants: readonly { readonly name: string }[];
}

describe('frameloom models list', () => {
  it('shows the bundled model as ready and how to download the weights of the real one', async () => {
    const { code, stdout } = await frameloom(['models', 'list', '--json']);
    expect(code).toBe(0);
    const models = JSON.parse(stdout) as Listed[]; // as printed
    expect(models.find(({ name }) => name === 'tiny-phi3v')?.complete).toBe(true);
    const real = models.find(({ name }) => name === 'phi-3.5-vision');
    expect(real?.complete).toBe(false);
    expect(real?.message).toContain('frameloom models pull phi-3.5-vision');
    expect(real?.message).toContain('microsoft/Phi-3.5-vision-instruct-onnx');
    expect(real?.variants.map((variant) => variant.name)).toEqual(['cpu', 'gpu', 'transformers.js']);
  });
});

describe('frameloom doctor', () => {
  it('finds every requirement after the set-up', async () => {
    const { code, stdout } = await frameloom(['doctor', '--json']);
    const findings = JSON.parse(stdout) as { name: string; status: string; found: string }[]; // as printed
    const status = Object.fromEntries(findings.map((finding) => [finding.name, finding.status]));
    expect(status).toMatchObject({
      node: 'ok',
      ffmpeg: 'ok',
      ffprobe: 'ok',
      temporal: 'ok',
      model: 'ok',
      onnxruntime: 'ok',
      disk: 'ok',
    });
    expect(findings.find(({ name }) => name === 'onnxruntime')?.found).toMatch(
      /^onnxruntime .* cpu \(C API, in place\)$/,
    );
    expect(code).toBe(0);
  });

  it.each([
    ['ffmpeg', { FFMPEG_PATH: '/nowhere/ffmpeg' }, 'FFMPEG_PATH'],
    ['temporal', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'TEMPORAL_ADDRESS'],
    [
      'bucket',
      {
        FRAMELOOM_STORE: 's3://frames',
        FRAMELOOM_S3_ENDPOINT: 'http://127.0.0.1:1',
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 's',
      },
      'FRAMELOOM_S3_ENDPOINT',
    ],
    ['model', { FRAMELOOM_MODEL: 'unheard-of' }, 'models list'],
    ['model', { FRAMELOOM_MODEL: 'phi-3.5-vision' }, 'microsoft/Phi-3.5-vision-instruct-onnx'],
  ])('exits with 1 and prints advice when %s is missing', async (name, settings, advice) => {
    const { code, stdout } = await frameloom(['doctor'], settings);
    expect(stdout).toMatch(new RegExp(`^${name} +MISSING`, 'm'));
    expect(stdout).toContain(advice);
    expect(code).toBe(1);
  });
});
