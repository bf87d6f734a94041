import { describe, expect, it } from 'vitest';
import { loadEdgeSettings } from '../../config/edge-settings.ts';

const DIRECT = {
  FRAMELOOM_API_KEYS: `anna:${'0'.repeat(64)}`,
  FRAMELOOM_STORE: 's3://bucket/some/where',
  FRAMELOOM_S3_ENDPOINT: 'https://account.r2.cloudflarestorage.com',
  AWS_REGION: 'auto',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  TEMPORAL_HTTP_URL: 'https://temporal.internal:7243',
};
const GATEWAY = {
  FRAMELOOM_API_KEYS: DIRECT.FRAMELOOM_API_KEYS,
  FRAMELOOM_GATEWAY_URL: 'https://api.internal',
  FRAMELOOM_GATEWAY_TOKEN: 'x'.repeat(32),
};

describe('edge settings', () => {
  it('accept Temporal and a bucket, and ignore bindings', () => {
    const settings = loadEdgeSettings({ ...DIRECT, RATE_LIMITER: { limit: () => undefined }, OTHER: 'x' });
    expect(settings).toEqual({
      apiKeys: DIRECT.FRAMELOOM_API_KEYS,
      logLevel: 'info',
      upstream: {
        kind: 'temporal',
        url: 'https://temporal.internal:7243',
        namespace: 'default',
        apiKey: undefined,
        bucket: {
          ...{ bucket: 'bucket', prefix: 'some/where/', region: 'auto', pathStyle: true },
          endpoint: 'https://account.r2.cloudflarestorage.com',
          credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
        },
        sharedCache: false,
        lifetimes: '',
        maxUploadBytes: 20 * 2 ** 30,
        quotas: { requests: 0, jobs: 0, videoSeconds: 0 },
      },
    });
  });

  it('accept a gateway without Temporal and bucket', () => {
    expect(loadEdgeSettings(GATEWAY).upstream).toEqual({
      kind: 'gateway',
      url: 'https://api.internal',
      token: 'x'.repeat(32),
    });
  });

  it.each([
    ['no keys', { FRAMELOOM_API_KEYS: '' }, 'FRAMELOOM_API_KEYS'],
    ['a folder', { FRAMELOOM_STORE: 'folder' }, 'FRAMELOOM_STORE'],
    ['no store', { FRAMELOOM_STORE: '' }, 'FRAMELOOM_STORE'],
    ['a bucket without keys', { AWS_SECRET_ACCESS_KEY: '' }, 'AWS_SECRET_ACCESS_KEY'],
    ['no upstream', { TEMPORAL_HTTP_URL: '' }, 'TEMPORAL_HTTP_URL'],
    ['a malformed URL', { TEMPORAL_HTTP_URL: 'temporal:7233' }, 'TEMPORAL_HTTP_URL'],
    ['a setting of another process', { FRAMELOOM_PORT: '80' }, 'FRAMELOOM_PORT'],
    ['two upstreams', { ...GATEWAY }, 'TEMPORAL_HTTP_URL'],
    ['a gateway without a token', { FRAMELOOM_GATEWAY_URL: 'https://a' }, 'FRAMELOOM_GATEWAY_TOKEN'],
    ['a short token', { ...GATEWAY, FRAMELOOM_GATEWAY_TOKEN: 'abc' }, 'FRAMELOOM_GATEWAY_TOKEN'],
  ])('are refused with %s, naming it', (_, change, name) => {
    expect(() => loadEdgeSettings({ ...DIRECT, ...change })).toThrow(name);
  });
});
