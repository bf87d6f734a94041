/**
 * The health check of the images: `node deploy/healthcheck.mjs api` asks the API, `… cpu|gpu` looks whether the worker has
 * shown a sign of life lately (cli/commands/worker.ts). Plain JavaScript, so that it costs next to nothing.
 */
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Three missed signs of life. */
const OLDEST_MS = 30_000;

async function isHealthy(role) {
  if (role === 'api') {
    const answer = await fetch(`http://127.0.0.1:${process.env.FRAMELOOM_PORT ?? 8484}/healthz`, {
      signal: AbortSignal.timeout(4000),
    });
    return answer.ok;
  }
  return Date.now() - statSync(join(tmpdir(), `frameloom-worker-${role}.alive`)).mtimeMs < OLDEST_MS;
}

process.exitCode = (await isHealthy(process.argv[2]).catch(() => false)) ? 0 : 1;
