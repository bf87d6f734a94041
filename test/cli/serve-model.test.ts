import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFrameloom } from './run-frameloom.ts';
import { runServeModel } from './run-serve-model.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-serve-model-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const frameloom = (args: readonly string[], settings: Readonly<Record<string, string>> = {}) =>
  runFrameloom(args, { FRAMELOOM_HOME: home, ...settings });

interface Finding {
  readonly name: string;
  readonly status: string;
  readonly found: string;
  readonly advice?: string;
}

async function doctor(
  url: string,
): Promise<{ readonly code: number | null; readonly findings: readonly Finding[] }> {
  const { code, stdout } = await frameloom(['doctor', '--json'], { FRAMELOOM_MODEL_URL: url });
  return { code, findings: JSON.parse(stdout) as Finding[] }; // as printed
}

describe('frameloom serve-model', () => {
  it('serves the model until SIGTERM, and doctor finds it', async () => {
    await using served = await runServeModel({ FRAMELOOM_HOME: home });
    const response = await fetch(`${served.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'tiny-phi3v',
        messages: [{ role: 'user', content: 'Hello' }],
        max_tokens: 3,
      }),
    });
    expect(await response.json()).toMatchObject({ usage: { completion_tokens: 3 } });

    const { code, findings } = await doctor(served.url);
    const endpoint = findings.find(({ name }) => name === 'endpoint');
    expect(endpoint).toMatchObject({
      status: 'ok',
      found: `${new URL(served.url).origin} serves tiny-phi3v`,
    });
    expect(code).toBe(0);

    expect(await served.stop()).toBe(0);
    const gone = await doctor(served.url);
    expect(gone.findings.find(({ name }) => name === 'endpoint')).toMatchObject({
      status: 'missing',
      advice: expect.stringContaining('FRAMELOOM_MODEL_URL'),
    });
    expect(gone.code).toBe(1);
  });

  it.each([
    ['a port that is not a number', ['--port', 'http']],
    ['an unknown option', ['--speed', '3']],
  ])('rejects %s with the usage and exit code 2', async (_what, args) => {
    const { code, stderr } = await frameloom(['serve-model', ...args]);
    expect(stderr).toContain('usage: frameloom serve-model');
    expect(code).toBe(2);
  });

  it('requires API keys for addresses other than loopback', async () => {
    const { code, stderr } = await frameloom(['serve-model', '--host', '0.0.0.0', '--port', '0']);
    expect(stderr).toContain('FRAMELOOM_API_KEYS');
    expect(code).toBe(2);
  });

  it('prints advice when the weights are missing', async () => {
    const { code, stderr } = await frameloom(['serve-model'], { FRAMELOOM_MODEL: 'phi-3.5-vision' });
    expect(stderr).toContain('models list');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(1);
  });
});
