import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from '../../api/entries/node.ts';
import { pythonWith } from '../../scripts/lib/python-env.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createFakeOrchestrator } from './fake-orchestrator.ts';

let folder: string;
let api: RunningApi;
const setup = await pythonWith('openapi');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-clients-'));
  api = await startApi({
    host: '127.0.0.1',
    port: 0,
    orchestrator: createFakeOrchestrator(),
    store: createFolderStore(join(folder, 'store')),
    keys: [],
    maxUploadBytes: 1_000_000,
    version: '0.0.0-test',
    log: () => undefined,
  });
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('clients generated from the OpenAPI document', () => {
  it.skipIf(!setup.python)(
    `create a summary with openapi-python-client${setup.python ? '' : ` (${setup.reason})`}`,
    async () => {
      const path = join(folder, 'openapi.json');
      await writeFile(path, await (await fetch(`${api.url}/openapi.json`)).text());
      const output = await setup.python?.run('test/api/generated_client.py', [path, folder, api.url]);
      expect(output).toBe('202 medium\n');
    },
    120_000,
  );
});
