/**
 * The API on Cloudflare Workers. Variables and secrets are settings (config/edge-settings.ts). Both bindings
 * are optional: `RATE_LIMITER` limits requests per tenant; `UPSTREAM` connects to Temporal's HTTP API, or to
 * the API behind a gateway, through a private network or with a client certificate. See deploy/cloudflare and
 * docs/edge.md.
 */
import { SettingsError } from '../../config/settings.ts';
import { LifetimesError } from '../../store/lifetimes.ts';
import type { IncrementalHash } from '../../store/s3/index.ts';
import type { Api, Log } from '../app/index.ts';
import { createEdgeApp, type EdgePlatform } from './edge-app.ts';

/** The bindings and variables that are used. */
interface Bindings extends Readonly<Record<string, unknown>> {
  readonly RATE_LIMITER?: { limit(by: { readonly key: string }): Promise<{ readonly success: boolean }> };
  readonly UPSTREAM?: { readonly fetch: typeof fetch };
}

interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Created by the first request of an isolate, because bindings are not available before. */
let app: Api | undefined;

export default {
  fetch(request: Request, env: Bindings): Response | Promise<Response> {
    try {
      app ??= createEdgeApp(env, platformOf(env));
    } catch (error) {
      if (!(error instanceof SettingsError || error instanceof LifetimesError)) throw error;
      console.error(JSON.stringify({ level: 'error', role: 'edge', message: error.message }));
      return new Response('This server is not configured. See its log for the missing settings.\n', {
        status: 503,
      });
    }
    return app.fetch(request);
  },
};

function platformOf({ RATE_LIMITER: limiter, UPSTREAM: upstream }: Bindings): EdgePlatform {
  return {
    createSha256,
    log,
    clientAddress: (c) => c.req.header('CF-Connecting-IP'),
    ...(limiter ? { throttle: async (key: string) => (await limiter.limit({ key })).success } : {}),
    // `fetch` must be called as a method of the binding.
    ...(upstream ? { fetch: (input, init) => upstream.fetch(input, init) } : {}),
  };
}

/** Incremental SHA-256. WebCrypto has none, but Workers provide DigestStream. */
function createSha256(): IncrementalHash {
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

/** Logs JSON lines, which Workers Logs parses. */
function log(least: (typeof LEVELS)[number]): Log {
  return (level, message, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const line = JSON.stringify({ level, role: 'edge', message, ...fields }, withErrors);
    if (level === 'error') console.error(line);
    else console.log(line);
  };
}

/** A replacer for JSON.stringify, which omits the fields of errors. */
function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}
