/**
 * The bundle of the workflows that a worker loads. The build creates it. A worker that runs from source
 * creates it once for each state of the sources and caches it: bundling takes two seconds, which would delay
 * the restart of a killed worker.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger, type WorkerOptions } from '@temporalio/worker';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The modules that workflows may import (docs/architecture.md). */
const MODULES = ['workflows', 'activities', 'summary', 'schema', 'core'];
/** npm writes it whenever the installed packages change. */
const INSTALLED = join(root, 'node_modules', '.package-lock.json');
/** The usual folder for caches of tools. */
const CACHE_FOLDER = join(root, 'node_modules', '.cache', 'frameloom');

export async function loadWorkflowBundle(logger: Logger): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  const built = join(root, 'workflow-bundle.js');
  if (existsSync(built)) return { workflowBundle: { codePath: built } };
  const kept = join(CACHE_FOLDER, `workflows-${await digestOfSources()}.js`);
  const code = (await readFile(kept, 'utf8').catch(() => undefined)) ?? (await bundle(logger, kept));
  return { workflowBundle: { code } };
}

async function bundle(logger: Logger, kept: string): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    workflowInterceptorModules: [join(root, 'workflows', 'trace.ts')],
    logger,
  });
  try {
    await rm(CACHE_FOLDER, { recursive: true, force: true }); // of other states of the sources
    await mkdir(CACHE_FOLDER, { recursive: true });
    const aside = `${kept}.${process.pid}`;
    await writeFile(aside, code);
    await rename(aside, kept);
  } catch (error) {
    logger.debug('the workflow bundle could not be cached', { reason: String(error) });
  }
  return code;
}

/** Hash of all files that the bundle may contain. */
async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const add = async (file: string): Promise<void> => {
    hash.update(`${file}\n`).update(await readFile(file));
  };
  for (const module of MODULES) {
    const files = await readdir(join(root, module), { recursive: true });
    for (const file of files.sort()) if (file.endsWith('.ts')) await add(join(root, module, file));
  }
  if (existsSync(INSTALLED)) await add(INSTALLED);
  return hash.digest('hex').slice(0, 16);
}
