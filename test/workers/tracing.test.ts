import { expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';

it('loads OpenTelemetry only when tracing is on', async () => {
  const code = `
    import { Module } from 'node:module';
    import { loadSettings } from '${packageRoot()}config/settings.ts';
    import '${packageRoot()}workers/cpu/index.ts';
    import { startTracing } from '${packageRoot()}workers/telemetry/index.ts';
    for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }]) {
      const tracing = await startTracing(loadSettings(env), 'test');
      console.log(typeof tracing, Object.keys(Module._cache).some((name) => name.includes('@opentelemetry')));
    }
    process.exit();
  `;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const { stdout, stderr } = await run(process.execPath, args, cleanEnv());
  expect([stdout, stderr]).toEqual(['undefined false\nobject true\n', '']);
});
