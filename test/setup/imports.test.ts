import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';

const INDEX_ONLY = 'Import a folder by its index.ts (docs/architecture.md).';
const CONFIGURATION = ['biome.json', 'scripts/lib/import-by-index.grit'];
const biome = join(packageRoot(), 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-imports-'));
  for (const path of CONFIGURATION) {
    await write(path, '');
    await copyFile(join(packageRoot(), path), join(folder, path));
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
}

/** The messages of the lint rules about imports for a project of `files` with the configuration of this repository. */
async function lint(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [path, content] of Object.entries(files)) await write(path, content);
  const options = ['lint', '--reporter=json', '--vcs-enabled=false', '--max-diagnostics=none'];
  const output = await promisify(execFile)(process.execPath, [biome, ...options, '.'], { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  const { diagnostics } = JSON.parse(output.stdout) as { diagnostics: { message: string }[] };
  return diagnostics.map(({ message }) => message);
}

describe('The layout of imports', () => {
  it.each([
    ['a file of another module', 'activities/probe.ts', "import '../media/read-source.ts';"],
    ['a subfolder of another module', 'activities/probe.ts', "import '../media/video/index.ts';"],
    ['a file of a subfolder of an open module', 'workers/probe.ts', "import '../store/s3/download.ts';"],
    ['a file of a sibling subfolder', 'media/video/probe.ts', "import '../decks/read-deck.ts';"],
    ['a file of a subfolder', 'media/probe.ts', "import './decks/read-deck.ts';"],
    ['a type', 'media/video/probe.ts', "import type {} from '../decks/read-deck.ts';"],
    ['a re-export', 'media/video/probe.ts', "export * from '../decks/read-deck.ts';"],
    ['a dynamic import', 'media/video/probe.ts', "await import('../decks/read-deck.ts');"],
    ['a component', 'web/home/probe.tsx', "import '../shared/button.tsx';"],
  ])('reject a path past an index.ts: %s', async (_, path, content) => {
    expect(await lint({ [path]: content })).toEqual([INDEX_ONLY]);
  });

  it.each([
    ['core/probe.ts', "import '../schema/usage.ts';", 'core/ may import only: nothing of ours'],
    [
      'media/video/probe.ts',
      "import '../../activities/index.ts';",
      'media/ may import only: config, schema, core',
    ],
    [
      'client/probe.ts',
      "import type {} from '../api/jobs/index.ts';",
      'client/ may import only: schema, core, and',
    ],
    [
      'workflows/probe.ts',
      "import type {} from '../store/artifact-store.ts';",
      'workflows/ may import only: ',
    ],
  ])('reject an upward import from %s', async (path, content, message) => {
    expect(await lint({ [path]: content })).toEqual([expect.stringContaining(message)]);
  });

  it('reject a cycle of types', async () => {
    const files = {
      'core/a.ts': "import type { B } from './b.ts';\nexport type A = B | 1;\n",
      'core/b.ts': "import type { A } from './a.ts';\nexport type B = A | 2;\n",
    };
    const message = 'This import is part of a cycle.';
    expect(await lint(files)).toEqual([message, message]);
  });

  it('accept an index.ts, files of open modules, and files of the own folder and of those above', async () => {
    const files = {
      'media/video/probe.ts': "import '../decks/index.ts'; import '../limits.ts'; import './frames.ts';",
      'activities/probe.ts':
        "import '../media/index.ts'; import '../core/retry.ts'; import '../store/s3/index.ts';",
      'client/probe.ts': "import type {} from '../api/contract.ts';",
      'test/media/probe.ts': "import '../../media/decks/read-deck.ts';",
    };
    expect(await lint(files)).toEqual([]);
  });
});
