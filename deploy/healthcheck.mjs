/**
 * The health check of the images: `node deploy/healthcheck.mjs api` requests /healthz, `… cpu|gpu` checks the age of the
 * file that a running worker touches every 10 s (cli/commands/worker.ts). Plain JavaScript starts fastest.
 */
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Three missed updates. */
const MAX_AGE_MS = 30_000;

async function isHealthy(role) {
  if (role === 'api') {
    const response = await fetch(`http://127.0.0.1:${process.env.FRAMELOOM_PORT ?? 8484}/healthz`, {
      signal: AbortSignal.timeout(4000),
    });
    return response.ok;
  }
  return Date.now() - statSync(join(tmpdir(), `frameloom-worker-${role}.alive`)).mtimeMs < MAX_AGE_MS;
}

process.exitCode = (await isHealthy(process.argv[2]).catch(() => false)) ? 0 : 1;
