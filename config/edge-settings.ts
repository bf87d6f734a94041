/**
 * Settings of the API at the edge, read from variables and secrets of the platform. They share the table of
 * all settings.
 */

import { environment } from './environment.ts';
import type { Quotas } from './quotas.ts';
import { type BucketSettings, bucketSettings, SettingsError } from './settings.ts';

const EdgeEnvironment = environment.pick({
  FRAMELOOM_API_KEYS: true,
  FRAMELOOM_GATEWAY_TOKEN: true,
  FRAMELOOM_GATEWAY_URL: true,
  FRAMELOOM_LIFETIMES: true,
  FRAMELOOM_LOG_LEVEL: true,
  FRAMELOOM_MAX_UPLOAD_BYTES: true,
  // Without FRAMELOOM_QUOTA_REQUESTS: the platform limits requests, because an isolate counts only its own.
  FRAMELOOM_QUOTA_JOBS: true,
  FRAMELOOM_QUOTA_VIDEO_SECONDS: true,
  FRAMELOOM_S3_ENDPOINT: true,
  FRAMELOOM_S3_PATH_STYLE: true,
  FRAMELOOM_SHARED_CACHE: true,
  FRAMELOOM_STORE: true,
  AWS_ACCESS_KEY_ID: true,
  AWS_REGION: true,
  AWS_SECRET_ACCESS_KEY: true,
  AWS_SESSION_TOKEN: true,
  TEMPORAL_API_KEY: true,
  TEMPORAL_HTTP_URL: true,
  TEMPORAL_NAMESPACE: true,
});

/** Settings of the API at the edge. */
export interface EdgeSettings {
  readonly apiKeys: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly upstream: Upstream;
}

/** Where the edge forwards requests: an API (gateway), or Temporal and a bucket. */
export type Upstream =
  | { readonly kind: 'gateway'; readonly url: string; readonly token: string }
  | {
      readonly kind: 'temporal';
      readonly url: string;
      readonly namespace: string;
      readonly apiKey: string | undefined;
      readonly bucket: BucketSettings;
      readonly lifetimes: string;
      readonly sharedCache: boolean;
      readonly maxUploadBytes: number;
      readonly quotas: Quotas;
    };

/**
 * Reads all settings from `env`. Values that are not strings are bindings and are ignored.
 *
 * @throws SettingsError for an unknown variable that starts with `FRAMELOOM_`, and for a missing or malformed
 *   value.
 */
export function loadEdgeSettings(env: Readonly<Record<string, unknown>>): EdgeSettings {
  const given = Object.entries(env).filter(([, value]) => typeof value === 'string' && value !== '');
  for (const [name] of given) {
    if (name.startsWith('FRAMELOOM_') && !Object.hasOwn(EdgeEnvironment.shape, name)) {
      throw new SettingsError(`${name} is not a setting of the edge. docs/edge.md lists all of them.`);
    }
  }
  const parsed = EdgeEnvironment.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SettingsError(`${String(issue?.path[0])}: ${issue?.message}. See docs/settings.md.`);
  }
  const e = parsed.data;
  if (e.FRAMELOOM_API_KEYS === undefined) {
    throw new SettingsError('FRAMELOOM_API_KEYS is required at the edge, because it is publicly reachable.');
  }
  return { apiKeys: e.FRAMELOOM_API_KEYS, logLevel: e.FRAMELOOM_LOG_LEVEL, upstream: upstreamOf(e) };
}

function upstreamOf(e: ReturnType<typeof EdgeEnvironment.parse>): Upstream {
  const { FRAMELOOM_GATEWAY_URL: gateway, FRAMELOOM_GATEWAY_TOKEN: token, TEMPORAL_HTTP_URL: url } = e;
  if (gateway !== undefined) {
    if (token === undefined)
      throw new SettingsError('FRAMELOOM_GATEWAY_URL requires FRAMELOOM_GATEWAY_TOKEN.');
    if (url !== undefined) {
      throw new SettingsError('FRAMELOOM_GATEWAY_URL and TEMPORAL_HTTP_URL exclude each other.');
    }
    return { kind: 'gateway', url: gateway, token };
  }
  if (url === undefined)
    throw new SettingsError('The edge requires TEMPORAL_HTTP_URL or FRAMELOOM_GATEWAY_URL.');
  const bucket = bucketSettings(e);
  if (!bucket)
    throw new SettingsError('FRAMELOOM_STORE must be a bucket at the edge, which has no file system.');
  return {
    kind: 'temporal',
    url,
    namespace: e.TEMPORAL_NAMESPACE,
    apiKey: e.TEMPORAL_API_KEY,
    bucket,
    lifetimes: e.FRAMELOOM_LIFETIMES ?? '',
    sharedCache: e.FRAMELOOM_SHARED_CACHE === 'true',
    maxUploadBytes: e.FRAMELOOM_MAX_UPLOAD_BYTES,
    quotas: { requests: 0, jobs: e.FRAMELOOM_QUOTA_JOBS, videoSeconds: e.FRAMELOOM_QUOTA_VIDEO_SECONDS },
  };
}
