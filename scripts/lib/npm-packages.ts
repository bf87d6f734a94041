/** Pinned npm packages for tests that cannot be dependencies of this package, because their versions conflict with it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toolCacheFolder } from '../../cli/find-tool.ts';

const INSTALL_TIMEOUT_MS = 5 * 60_000;

/** The `node_modules` folder with the packages, or why they cannot be installed, in one line. */
export type NpmPackages =
  | { readonly nodeModules: string; readonly reason?: never }
  | { readonly nodeModules?: never; readonly reason: string };

/**
 * Installs the packages of scripts/npm/`list`/package-lock.json into the cache folder of the user, once. After that it
 * needs no network. Concurrent calls are safe: packages are installed into a temporary folder, which is then renamed.
 */
export async function npmPackages(
  list: 'openapi',
  env: NodeJS.ProcessEnv = process.env,
): Promise<NpmPackages> {
  const source = fileURLToPath(new URL(`../npm/${list}`, import.meta.url));
  const lock = await readFile(join(source, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const folder = join(toolCacheFolder(env), `npm-${list}-${digest}`);
  const nodeModules = join(folder, 'node_modules');
  if (existsSync(folder)) return { nodeModules };
  await mkdir(dirname(folder), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  try {
    for (const name of ['package.json', 'package-lock.json'])
      await copyFile(join(source, name), join(temporary, name));
    const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', ['ci', ...flags], { cwd: temporary, env, timeout: INSTALL_TIMEOUT_MS });
    await rename(temporary, folder);
  } catch (error) {
    // Another process may have installed the same packages: a folder that is not empty cannot be renamed over.
    if (!existsSync(folder)) return { reason: `npm cannot install scripts/npm/${list}: ${firstLine(error)}` };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { nodeModules };
}

function firstLine(error: unknown): string {
  const hasOutput = error instanceof Error && 'stderr' in error && typeof error.stderr === 'string';
  const text = hasOutput && error.stderr !== '' ? String(error.stderr) : String(error);
  return text.trim().split('\n')[0] ?? '';
}
