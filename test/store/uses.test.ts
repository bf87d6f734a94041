/** Who needs an artifact: it goes with the last job or file of its tenant that uses it, in both stores. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlobStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, requestName } from '../../store/names.ts';
import { removeFile, removeJob } from '../../store/remove.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { blobView, scopeOf, tenantScope } from '../../store/tenant-view.ts';
import { holdingView } from '../../store/uses.ts';
import { NO_S3_SERVER, startBucket } from '../support/s3-server.ts';
import { all, createSha256, text } from './contract.ts';

interface Bench extends AsyncDisposable {
  readonly store: BlobStore;
  /** Names that are left, also of empty folders. */
  readonly left: () => Promise<readonly string[]>;
}

async function onFolder(): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-uses-'));
  return {
    store: createFolderStore(root),
    left: async () => (await readdir(root)).filter((name) => !name.startsWith('.')),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function onBucket(): Promise<Bench> {
  const bucket = await startBucket();
  const store = createS3Store({ ...bucket.options, createSha256 });
  return { store, left: () => all(store.list('')), [Symbol.asyncDispose]: bucket[Symbol.asyncDispose] };
}

const JOB = (letter: string): string => `sum_${letter.repeat(26)}`;
const FILE = `file_${'f'.repeat(26)}`;

it('names of tenants that differ in case only have scopes of their own', () => {
  const tenants = ['acme', 'Acme', 'ACME', 'a-cme', 'a_cme', 'shared', 't-acme'];
  expect(new Set([...tenants.map(tenantScope), 'shared']).size).toBe(tenants.length + 1);
});

describe.each([
  ['a folder', onFolder, undefined],
  ['a bucket', onBucket, NO_S3_SERVER],
] as const)('uses on %s', (_, open, missing) => {
  let bench: Bench;
  beforeAll(async () => {
    if (missing === undefined) bench = await open();
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  const newJob = async (letter: string, tenant = 'acme'): Promise<BlobStore> => {
    await bench.store.put(requestName(JOB(letter)), text('{}'));
    return holdingView(bench.store, scopeOf(bench.store, tenant), JOB(letter));
  };

  it.skipIf(missing !== undefined)('an artifact and what was made of it go with the last user', async () => {
    const [a, b] = [await newJob('a'), await newJob('b')];
    const frame = await a.putByContent('frames', text('picture'));
    await a.put(`crops/${frame.sha256}/x.bin`, text('crops'));
    await a.put(`features/${frame.sha256}/y.bin`, text('features'));
    await a.put('generations/ab12.json', text('caption'));
    await a.put('checkpoints/ab12/00000032-0001.json', text('tokens'));
    expect(await b.head(frame.name)).toBeDefined();
    await removeJob(bench.store, JOB('a'));
    expect(await b.head('generations/ab12.json')).toBeUndefined();
    expect(new TextDecoder().decode(await b.bytes(frame.name))).toBe('picture');
    expect(await b.head(`crops/${frame.sha256}/x.bin`)).toBeDefined();
    await removeJob(bench.store, JOB('b'));
    expect(await bench.left()).toEqual([]);
  });

  it.skipIf(missing !== undefined)(
    'a file and a job keep the bytes for each other, and an estimate does not',
    async () => {
      const { store } = bench;
      const file = holdingView(store, tenantScope('acme'), FILE);
      const { name } = await file.putByContent('sources', text('video'));
      await store.put(fileName(FILE), text('{}'));
      const job = await newJob('a');
      await job.head(name);
      const estimate = `est_${'e'.repeat(26)}`;
      await store.put(requestName(JOB('e')), text('{}'));
      const estimated = holdingView(store, tenantScope('acme'), estimate);
      await estimated.head(name);
      await estimated.putByContent('frames', text('sampled'));
      await removeFile(store, FILE);
      expect(await job.head(name)).toBeDefined();
      await removeJob(store, JOB('a'));
      expect(await bench.left()).toEqual([]);
    },
  );

  it.skipIf(missing !== undefined)('a tenant neither finds nor loses what another one has sent', async () => {
    const [a, b] = [await newJob('a', 'acme'), await newJob('b', 'umbrella')];
    const { name } = await a.putByContent('sources', text('the same bytes'));
    expect(await b.head(name)).toBeUndefined();
    await b.putByContent('sources', text('the same bytes'));
    await removeJob(bench.store, JOB('a'));
    expect(await b.head(name)).toBeDefined();
    expect(await blobView(bench.store, tenantScope('acme')).head(name)).toBeUndefined();
    await removeJob(bench.store, JOB('b'));
    expect(await bench.left()).toEqual([]);
  });

  it.skipIf(missing !== undefined)('tenants share where the operator wants them to', async () => {
    const shared = { ...bench.store, isShared: true };
    await bench.store.put(requestName(JOB('a')), text('{}'));
    await bench.store.put(requestName(JOB('b')), text('{}'));
    const a = holdingView(shared, scopeOf(shared, 'acme'), JOB('a'));
    const b = holdingView(shared, scopeOf(shared, 'umbrella'), JOB('b'));
    const { name } = await a.putByContent('sources', text('bytes'));
    expect(await b.head(name)).toBeDefined();
    await removeJob(bench.store, JOB('a'));
    expect(await b.head(name)).toBeDefined();
    await removeJob(bench.store, JOB('b'));
    expect(await bench.left()).toEqual([]);
  });

  it.skipIf(missing !== undefined)(
    'a job that finds an artifact while another is being removed has it, or makes it again',
    async () => {
      for (let round = 0; round < 12; round += 1) {
        const a = await newJob('a');
        await a.put('generations/cd34.json', text('caption'));
        const b = await newJob('b');
        const finding = (async () => {
          for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          if (!(await b.head('generations/cd34.json'))) await b.put('generations/cd34.json', text('caption'));
        })();
        await Promise.all([removeJob(bench.store, JOB('a')), finding]);
        expect(new TextDecoder().decode(await b.bytes('generations/cd34.json'))).toBe('caption');
        await removeJob(bench.store, JOB('b'));
        expect(await bench.left()).toEqual([]);
      }
    },
  );

  it.skipIf(missing !== undefined)(
    'a removal that was interrupted anywhere is completed by another',
    async () => {
      for (let allowed = 0; ; allowed += 1) {
        const a = await newJob('a');
        await a.putByContent('frames', text('picture'));
        await a.put('generations/ef56.json', text('caption'));
        await bench.store.put(`jobs/${JOB('a')}/run/result.json`, text('result'));
        let deletes = 0;
        const failing: BlobStore = {
          ...bench.store,
          delete: async (name) => {
            deletes += 1;
            if (deletes > allowed) throw new Error('killed');
            await bench.store.delete(name);
          },
        };
        const ended = await removeJob(failing, JOB('a')).then(
          () => true,
          () => false,
        );
        await removeJob(bench.store, JOB('a'));
        expect(await bench.left()).toEqual([]);
        if (ended) break;
      }
    },
  );
});
