/**
 * The workflows as a worker loads them: one bundle. The build makes it; a worker that runs from source makes
 * it once for each state of the sources and keeps it, since two seconds of bundling would be two seconds in
 * which a killed worker is missing.
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
/** Written by npm with each change of what is installed. */
const INSTALLED = join(root, 'node_modules', '.package-lock.json');
/** Where tools keep what they can make again. */
const KEPT = join(root, 'node_modules', '.cache', 'frameloom');

export async function loadWorkflowBundle(logger: Logger): Promise<Pick<WorkerOptions, 'workflowBundle'>> {
  const built = join(root, 'workflow-bundle.js');
  if (existsSync(built)) return { workflowBundle: { codePath: built } };
  const kept = join(KEPT, `workflows-${await digestOfSources()}.js`);
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
    await rm(KEPT, { recursive: true, force: true }); // of other states of the sources
    await mkdir(KEPT, { recursive: true });
    const aside = `${kept}.${process.pid}`;
    await writeFile(aside, code);
    await rename(aside, kept);
  } catch (error) {
    logger.debug('the bundle of the workflows is not kept', { reason: String(error) });
  }
  return code;
}

/** Of every file that may be in the bundle. */
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
