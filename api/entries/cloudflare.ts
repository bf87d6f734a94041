/**
 * The API on Cloudflare Workers. Variables and secrets are settings (config/edge-settings.ts); of the bindings all are optional:
 * `RATE_LIMITER` counts requests by tenant, `UPSTREAM` is the way to Temporal's HTTP API, or to the API behind a gateway, through a
 * private network or with a client certificate. See deploy/cloudflare and docs/edge.md.
 */
import { SettingsError } from '../../config/settings.ts';
import { LifetimesError } from '../../store/lifetimes.ts';
import type { Hashing } from '../../store/s3/index.ts';
import type { Api, Log } from '../app/index.ts';
import { createEdgeApp, type EdgePlatform } from './edge-app.ts';

/** As far as they are used; the platform documents them. */
interface Bindings extends Readonly<Record<string, unknown>> {
  readonly RATE_LIMITER?: { limit(by: { readonly key: string }): Promise<{ readonly success: boolean }> };
  readonly UPSTREAM?: { readonly fetch: typeof fetch };
}

interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Made by the first request of an isolate: bindings are not there before, and are the same ever after. */
let app: Api | undefined;

export default {
  fetch(request: Request, env: Bindings): Response | Promise<Response> {
    try {
      app ??= createEdgeApp(env, platformOf(env));
    } catch (error) {
      if (!(error instanceof SettingsError || error instanceof LifetimesError)) throw error;
      console.error(JSON.stringify({ level: 'error', role: 'edge', message: error.message }));
      return new Response('This server is not configured; its log says what is missing.\n', { status: 503 });
    }
    return app.fetch(request);
  },
};

function platformOf({ RATE_LIMITER: limiter, UPSTREAM: upstream }: Bindings): EdgePlatform {
  return {
    hashing,
    log,
    ...(limiter ? { throttle: async (key: string) => (await limiter.limit({ key })).success } : {}),
    // Called on its binding: it is no function of its own.
    ...(upstream ? { fetch: (input, init) => upstream.fetch(input, init) } : {}),
  };
}

/** A running SHA-256: WebCrypto has none, Workers have. */
function hashing(): Hashing {
  const { DigestStream } = crypto as unknown as { DigestStream: new (algorithm: string) => DigestStream }; // the platform's own
  const stream = new DigestStream('SHA-256');
  const writer = stream.getWriter();
  return {
    update: (bytes) => writer.write(bytes),
    async hex() {
      await writer.close();
      const digest = new Uint8Array(await stream.digest);
      return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    },
  };
}

/** One JSON line per event, as Workers Logs reads them. */
function log(least: (typeof LEVELS)[number]): Log {
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const line = JSON.stringify({ level, role: 'edge', message, ...fields }, withErrors);
    if (level === 'error') console.error(line);
    else console.log(line);
  };
}

/** Errors have no JSON of their own. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
