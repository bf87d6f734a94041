import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../config/settings.ts';
import { createLogger, installTemporalRuntime } from '../../workers/telemetry/index.ts';

describe('the metrics of a worker', () => {
  it('name the settings when their port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const install = () =>
      installTemporalRuntime({ metricsHost: '127.0.0.1', metricsPort: port }, createLogger('error', 'test'));
    try {
      expect(install).toThrow(SettingsError);
      expect(install).toThrow(`127.0.0.1:${port} (FRAMELOOM_METRICS_HOST, FRAMELOOM_METRICS_PORT)`);
    } finally {
      server.close();
    }
  });
});
