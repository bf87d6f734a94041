/** One whole job with its artifacts in a bucket of a real S3 server. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEntry } from '../../cli/package-root.ts';
import { loadSettings } from '../../config/settings.ts';
import { parseLifetimes } from '../../store/lifetimes.ts';
import { openPlainStore } from '../../store/open-store.ts';
import { run } from '../cli/run-frameloom.ts';
import { all } from '../store/contract.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { follow, startSystem, type TestSystem } from './system.ts';

const DECK = 'samples/sample-deck.pdf';

/** Runs the job of these tests and returns it. */
async function summarize(system: TestSystem) {
  const file_id = await system.upload(DECK);
  const { id } = await system.client.createSummary({ source: { type: 'deck', file_id }, pages: '1-3' });
  const { job } = await follow(system, id);
  return job;
}

describe.skipIf(NO_S3_SERVER !== undefined)(
  `a system on a bucket${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let bucket: TestBucket;
    let proxy: FaultProxy;
    let env: Readonly<Record<string, string>>;
    beforeAll(async () => {
      bucket = await startBucket();
      proxy = await startFaultProxy(bucket.options.endpoint);
      env = { ...bucket.env, FRAMELOOM_S3_ENDPOINT: proxy.endpoint };
    });
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]();
      await bucket[Symbol.asyncDispose]();
    });

    it('a job on a bucket with occasional failures has the same result as one on a folder', async () => {
      const expected = await (async () => {
        await using system = await startSystem();
        return await summarize(system);
      })();
      expect(expected.status).toBe('completed');

      await using system = await startSystem(env);
      let count = 0;
      proxy.plan = () => {
        count += 1;
        if (count % 20 === 0) return { kind: 'status', status: 503, code: 'SlowDown' };
        return count % 33 === 0 ? { kind: 'reset' } : undefined;
      };
      const job = await summarize(system);
      proxy.plan = () => undefined;
      expect(job.status).toBe('completed');
      // Everything except the id of the job.
      expect(JSON.stringify(job.result).replaceAll(job.id, '')).toBe(
        JSON.stringify(expected.result).replaceAll(expected.id, ''),
      );
      expect(await readdir(system.home)).not.toContain('artifacts');

      // Garbage collection removes nothing that a recent job needs, and reports counts by class.
      const { stdout, code } = await run(process.execPath, [...commandEntry(), 'gc', '--json'], {
        ...(process.env as Record<string, string>), // all values are strings
        ...env,
        FRAMELOOM_HOME: system.home,
      });
      expect(code).toBe(0);
      const report = JSON.parse(stdout);
      expect(report.generations).toMatchObject({ removed: 0 });
      expect(report.generations.kept).toBeGreaterThan(0);
      expect(report.jobs.kept).toBeGreaterThan(2);
      expect((await system.client.getSummary(job.id)).result).toEqual(job.result);

      const requests: Record<string, number> = {};
      for (const { method } of proxy.requests) requests[method] = (requests[method] ?? 0) + 1;
      console.log(`requests for a deck of 3 pages, with upload and gc: ${JSON.stringify(requests)}`);
      const settings = loadSettings({ ...env, FRAMELOOM_HOME: join(system.home, 'none') });
      expect(parseLifetimes(settings.lifetimes).jobs.renewed).toBe(false);
      const names = await all(openPlainStore(settings, system.home).list('jobs/'));
      expect(names.some((name) => name.endsWith('result.json'))).toBe(true);
    });
  },
);
