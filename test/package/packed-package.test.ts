import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTool } from '../../cli/find-tool.ts';
import { packageRoot, packageVersion } from '../../cli/package-root.ts';
import { cleanEnv, run } from '../cli/run-frameloom.ts';
import { installPackedPackage, type PackedPackage, runInstalled } from './packed-package.ts';

const SAMPLE = join('node_modules', 'frameloom', 'samples', 'sample-deck.pdf');
/** What `engines` in package.json promises, each with a binary from npm (scripts/setup/pinned-node.mjs). */
const NODES = [
  ['oldest', findTool('node-oldest', process.env)],
  ['newest', findTool('node-newest', process.env)],
] as const;

/** A program that uses all entry points of the package. */
const PROGRAM = `
  import { startFrameloom } from 'frameloom';
  import { ApiError, createClient } from 'frameloom/client';
  import { ERRORS, SummaryRequest } from 'frameloom/schema';
  const request = SummaryRequest.parse({ source: { type: 'video', url: 'https://example.com/talk.mp4' } });
  const frameloom = await startFrameloom({ home: process.argv[2] });
  const client = createClient({ url: frameloom.url });
  const { data } = await client.listSummaries();
  const error = await client.getSummary('job_' + '0'.repeat(24)).catch((reason) => reason);
  await frameloom.close();
  console.log(JSON.stringify([request.source.type, data.length, error instanceof ApiError, error.problem.status, ERRORS.not_found.status]));
`;

let packed: PackedPackage;
let home: string;

beforeAll(async () => {
  packed = await installPackedPackage();
  home = await mkdtemp(join(tmpdir(), 'frameloom-home-'));
}, 400_000);
afterAll(async () => {
  await rm(home, { recursive: true, force: true });
  await packed?.[Symbol.asyncDispose]();
});

const env = (name: string): Record<string, string> => cleanEnv({ FRAMELOOM_HOME: join(home, name) });

describe('the packed package', () => {
  it('contains the compiled program, a model and samples, and neither sources nor source maps', () => {
    expect(packed.files).toEqual(
      expect.arrayContaining([
        'bin/frameloom.js',
        'dist/cli/main.js',
        'dist/web/app.js',
        'dist/workflow-bundle.js',
        'models/tiny-phi3v/frameloom.json',
        'samples/sample-deck.pdf',
        'CHANGELOG.md',
        'LICENSE',
      ]),
    );
    expect(packed.files.filter((path) => /(?<!\.d)\.tsx?$|\.map$|\.py$/.test(path))).toEqual([]);
  });

  it('installs no development tools', async () => {
    const installed = await readdir(join(packed.folder, 'node_modules'));
    expect(installed.filter((name) => ['esbuild', 'tsx', 'typescript', 'vitest'].includes(name))).toEqual([]);
  });

  it('has declarations that compile in a strict program without types of Node', async () => {
    await cp(fileURLToPath(new URL('consumer.ts.txt', import.meta.url)), join(packed.folder, 'consumer.ts'));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: [],
    };
    await writeFile(
      join(packed.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
    );
    const tsc = join(packageRoot(), 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, stdout } = await run(process.execPath, [tsc, '-p', packed.folder], cleanEnv());
    expect(stdout).toBe('');
    expect(code).toBe(0);
  });
});

describe.each(NODES)('the packed package on the %s supported Node', (name, node = '') => {
  it.runIf(node)('prints its version', async () => {
    const ended = await runInstalled(packed, node, ['--version'], env(name));
    expect(ended).toEqual({ code: 0, stdout: `${packageVersion()}\n`, stderr: '' });
  });

  it.runIf(node)('finds nothing missing with `doctor`', async () => {
    const { code, stdout, stderr } = await runInstalled(packed, node, ['doctor'], env(name));
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^model +ok +tiny-phi3v/m);
    expect(stdout).toMatch(/^onnxruntime +ok/m);
    expect(code).toBe(0);
  });

  it.runIf(node)('summarizes the bundled sample', async () => {
    const args = ['summarize', join(packed.folder, SAMPLE), '--json'];
    const { code, stdout, stderr } = await runInstalled(packed, node, args, env(name));
    expect(stderr).not.toContain('Error');
    expect(JSON.parse(stdout)).toMatchObject({
      title: 'Annual Results',
      source: { type: 'deck', pages: 12 },
    });
    expect(code).toBe(0);
  });

  it.runIf(node)('starts a system and serves a client from its entry points', async () => {
    const program = join(packed.folder, `program-${name}.js`);
    await writeFile(program, PROGRAM);
    const { code, stdout, stderr } = await run(node, [program, join(home, `${name}-program`)], env(name));
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(['video', 0, true, 404, 404]);
    expect(code).toBe(0);
  });
});
