import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from '../../api/entries/node.ts';
import { npmPackages } from '../../scripts/lib/npm-packages.ts';
import { pythonWith } from '../../scripts/lib/python-env.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createFakeOrchestrator } from './fake-orchestrator.ts';

/** Sends the smallest request: all its members but `source` have defaults. Two lines must not type-check. */
const TYPESCRIPT_CLIENT = `
import createClient from 'openapi-fetch';
import type { components, paths } from './openapi.js';

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' });
const { data, error, response } = await client.POST('/v1/summaries', {
  body: { source: { type: 'images', urls: ['https://example.com/a.png'] } },
});
if (error) throw new Error(error.code);
const detail: 'low' | 'medium' | 'high' = data.request.detail;
const job: components['schemas']['Summary'] = data;
console.log(response.status, detail, job.object);

// @ts-expect-error a request needs a source
await client.POST('/v1/summaries', { body: {} }).catch(() => undefined);
// @ts-expect-error there is no such member
data.request.sources;
`;

let folder: string;
let api: RunningApi;
const python = await pythonWith('openapi');
const npm = await npmPackages('openapi');

const run = promisify(execFile);

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
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${api.url}/openapi.json`)).text());
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

describe('clients generated from the OpenAPI document', () => {
  it.skipIf(!python.python)(
    `create a summary with openapi-python-client${python.python ? '' : ` (${python.reason})`}`,
    async () => {
      const args = [join(folder, 'openapi.json'), folder, api.url];
      expect(await python.python?.run('test/api/generated_client.py', args)).toBe('202 medium\n');
    },
    120_000,
  );

  it.skipIf(!npm.nodeModules)(
    `create a summary with openapi-typescript${npm.nodeModules ? '' : ` (${npm.reason})`}`,
    async () => {
      const project = join(folder, 'typescript');
      await mkdir(project);
      await symlink(npm.nodeModules ?? '', join(project, 'node_modules'));
      await writeFile(join(project, 'package.json'), '{ "type": "module" }');
      await writeFile(join(project, 'client.ts'), TYPESCRIPT_CLIENT);
      const node = async (script: string, ...args: string[]): Promise<string> =>
        (await run(process.execPath, [join(project, 'node_modules', script), ...args], { cwd: project }))
          .stdout;

      await node('openapi-typescript/bin/cli.js', join(folder, 'openapi.json'), '--output', 'openapi.d.ts');
      const options = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom'];
      // `process` is declared here, because the types of Node are not among the pinned packages.
      await writeFile(join(project, 'node.d.ts'), 'declare const process: { argv: string[] };');
      expect(await node('typescript/bin/tsc', ...options, 'client.ts', 'node.d.ts')).toBe('');

      const { stdout } = await run(process.execPath, [join(project, 'client.js'), api.url]);
      expect(stdout).toBe('202 medium summary\n');
    },
    120_000,
  );
});
