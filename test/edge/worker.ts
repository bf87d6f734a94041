/** The edge entry in a real workerd. */
import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

const CONFIG = new URL('../../deploy/cloudflare/wrangler.jsonc', import.meta.url);
const ENTRY = new URL('../../api/entries/cloudflare.ts', import.meta.url);

export interface EdgeBundle {
  readonly code: string;
  /** Files it was made of, by path from the root. */
  readonly inputs: readonly string[];
  /** What it still imports. */
  readonly imports: readonly string[];
}

/** What is deployed: one file, made for a platform that has nothing of Node. */
export async function bundleEdge(): Promise<EdgeBundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [ENTRY.pathname],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    minify: true,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  return {
    code: outputFiles[0]?.text ?? '',
    inputs: Object.keys(metafile.inputs),
    imports: output?.imports.map(({ path }) => path) ?? [],
  };
}

/** The date that is deployed. */
export async function compatibilityDate(): Promise<string> {
  const config = await readFile(CONFIG, 'utf8');
  return /"compatibility_date":\s*"([^"]+)"/.exec(config)?.[1] ?? '';
}

export interface EdgeOptions {
  readonly code: string;
  readonly vars: Readonly<Record<string, string>>;
  /** Requests in a minute. */
  readonly limit?: number;
  readonly upstream?: (request: Request) => Promise<Response>;
}

export interface RunningEdge extends AsyncDisposable {
  readonly url: string;
}

/** Starts workerd on a free port of loopback. */
export async function startEdge({ code, vars, limit, upstream }: EdgeOptions): Promise<RunningEdge> {
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.js', contents: code }],
    compatibilityDate: await compatibilityDate(),
    bindings: { ...vars },
    host: '127.0.0.1',
    port: 0,
    cf: false, // would be fetched from the network
    handleRuntimeStdio: () => undefined,
    ...(limit === undefined ? {} : { ratelimits: { RATE_LIMITER: { simple: { limit, period: 60 } } } }),
    ...(upstream ? { serviceBindings: { UPSTREAM: upstream as never } } : {}), // its own Request and Response, of the same shape
  });
  const url = await miniflare.ready;
  return {
    url: url.origin,
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}
