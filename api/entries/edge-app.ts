/** The app as an edge runs it: over Temporal's HTTP API and a bucket, or before another Frameloom API. Web standards only. */
import { parseApiKeys } from '../../config/api-keys.ts';
import { type EdgeSettings, loadEdgeSettings, type Upstream } from '../../config/edge-settings.ts';
import { SettingsError } from '../../config/settings.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { parseLifetimes } from '../../store/lifetimes.ts';
import { renewBlobsOnRead } from '../../store/renew-on-read.ts';
import { createS3Store, type Hashing } from '../../store/s3/index.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import { type Api, type Log, systemClock, type Throttle } from '../app/index.ts';
import { createApp } from '../create-app.ts';
import { createGateway } from './gateway.ts';
import { VERSION } from './version.ts';

/** What a platform brings. */
export interface EdgePlatform {
  readonly hashing: () => Hashing;
  /** A log that leaves out what is less severe. */
  readonly log: (least: EdgeSettings['logLevel']) => Log;
  readonly throttle?: Throttle;
  /** The way to Temporal or to the API behind a gateway, where it is not the open network. */
  readonly fetch?: typeof fetch;
}

/**
 * Parts of bodies that go through the edge: two of them are held at once, and an isolate has 128 MB for all its requests. 10,000 of
 * them are 48 GiB, more than may go through an edge.
 */
const PART = 5 * 2 ** 20;
/** Every look costs some of the requests that one invocation may make, 1000 if nothing else was set; a stream ends well before that. */
const PACE = { look: 1000, stream: 120_000 } as const;

/** Throws SettingsError. */
export function createEdgeApp(env: Readonly<Record<string, unknown>>, platform: EdgePlatform): Api {
  const { apiKeys, logLevel, upstream } = loadEdgeSettings(env);
  const keys = parseApiKeys(apiKeys);
  if (keys.length === 0) throw new SettingsError('FRAMELOOM_API_KEYS holds no key.');
  const { throttle, fetch: reach } = platform;
  const common = {
    keys,
    log: platform.log(logLevel),
    ...(throttle ? { throttle } : {}),
    ...(reach ? { fetch: reach } : {}),
  };
  if (upstream.kind === 'gateway') return createGateway({ ...upstream, ...common });

  const store = openStore(upstream, platform.hashing);
  const { url, namespace, apiKey } = upstream;
  return createApp({
    ...common,
    quotas: upstream.quotas,
    orchestrator: createTemporalHttpOrchestrator(
      { url, namespace, ...(apiKey === undefined ? {} : { apiKey }), ...(reach ? { fetch: reach } : {}) },
      store,
    ),
    store,
    maxUploadBytes: upstream.maxUploadBytes,
    version: VERSION,
    clock: systemClock,
    pace: PACE,
    servesMetrics: false,
  });
}

function openStore(
  { bucket, lifetimes }: Extract<Upstream, { kind: 'temporal' }>,
  hashing: () => Hashing,
): BlobStore {
  const { credentials, ...place } = bucket;
  if ('uri' in credentials)
    throw new SettingsError('The edge needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  const blobs = createS3Store({ ...place, hashing, partBytes: PART, credentials: () => credentials });
  return renewBlobsOnRead(blobs, parseLifetimes(lifetimes));
}
