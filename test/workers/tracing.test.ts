import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';

/** Modules of OpenTelemetry that a worker has loaded once its code is there and traces are opened, or not. */
async function loaded(settings: Readonly<Record<string, string>>): Promise<number> {
  const code = `
    import { Module } from 'node:module';
    import { loadSettings } from '${packageRoot()}/schema/settings.ts';
    import '${packageRoot()}/workers/cpu.ts';
    import { openTracing } from '${packageRoot()}/workers/tracing/tracing.ts';
    const tracing = await openTracing(loadSettings(process.env), 'test');
    console.log(Object.keys(Module._cache).filter((name) => name.includes('@opentelemetry')).length);
    await tracing?.[Symbol.asyncDispose]();
    process.exit();
  `;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const { code: exit, stdout, stderr } = await run(process.execPath, args, cleanEnv(settings));
  if (exit !== 0) throw new Error(stderr);
  return Number(stdout);
}

describe('traces', () => {
  it('that are off load nothing of OpenTelemetry; that are on do', async () => {
    expect(await loaded({})).toBe(0);
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })).toBeGreaterThan(0);
  });
});
