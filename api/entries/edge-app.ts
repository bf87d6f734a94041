/** The app of an edge: over Temporal's HTTP API and a bucket, or as a gateway to another Frameloom API. */
import { parseApiKeys } from '../../config/api-keys.ts';
import { type EdgeSettings, loadEdgeSettings, type Upstream } from '../../config/edge-settings.ts';
import { SettingsError } from '../../config/settings.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { parseLifetimes } from '../../store/lifetimes.ts';
import { renewBlobsOnRead } from '../../store/renew-on-read.ts';
import { createS3Store, type IncrementalHash } from '../../store/s3/index.ts';
import { createTemporalHttpOrchestrator } from '../../temporal/http/index.ts';
import { type Api, type ApiDeps, type Log, systemClock, type Throttle } from '../app/index.ts';
import { createApp } from '../create-app.ts';
import { createGateway } from './gateway.ts';
import { VERSION } from './version.ts';

/** What the edge platform provides. */
export interface EdgePlatform {
  readonly createSha256: () => IncrementalHash;
  /** Creates a log that omits messages below the given level. */
  readonly log: (least: EdgeSettings['logLevel']) => Log;
  readonly throttle?: Throttle;
  readonly clientAddress?: ApiDeps['clientAddress'];
  /** Replaces `fetch` for Temporal or the API behind a gateway, for example with a private network. */
  readonly fetch?: typeof fetch;
}

/**
 * Part size of uploads through the edge. Two parts are in memory at the same time, and an isolate has 128 MB
 * for all of its requests. The maximum of 10,000 parts is 48 GiB, more than an edge accepts.
 */
const PART_BYTES = 5 * 2 ** 20;
/** Each poll uses some of the 10,000 requests an invocation may make; a stream ends well before that. */
const STREAM_TIMING = { pollIntervalMs: 1000, maxStreamMs: 120_000 } as const;

/** Creates the app from the variables of the platform. @throws SettingsError */
export function createEdgeApp(env: Readonly<Record<string, unknown>>, platform: EdgePlatform): Api {
  const { apiKeys, logLevel, upstream } = loadEdgeSettings(env);
  const keys = parseApiKeys(apiKeys);
  if (keys.length === 0) throw new SettingsError('FRAMELOOM_API_KEYS has no key.');
  const { throttle, fetch: reach } = platform;
  const common = {
    keys,
    log: platform.log(logLevel),
    ...(platform.clientAddress ? { clientAddress: platform.clientAddress } : {}),
    ...(throttle ? { throttle } : {}),
    ...(reach ? { fetch: reach } : {}),
  };
  if (upstream.kind === 'gateway') return createGateway({ ...upstream, ...common });

  const store = openStore(upstream, platform.createSha256);
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
    streamTiming: STREAM_TIMING,
    servesMetrics: false,
  });
}

function openStore(
  { bucket, lifetimes, sharedCache }: Extract<Upstream, { kind: 'temporal' }>,
  createSha256: () => IncrementalHash,
): BlobStore {
  const { credentials, ...place } = bucket;
  if ('uri' in credentials)
    throw new SettingsError('The edge needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  const blobs = createS3Store({
    ...place,
    createSha256,
    partBytes: PART_BYTES,
    credentials: () => credentials,
  });
  return renewBlobsOnRead(sharedCache ? { ...blobs, isShared: true } : blobs, parseLifetimes(lifetimes));
}
