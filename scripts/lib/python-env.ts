/** Python for tests and benchmarks, with pinned packages. The product itself never needs it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findOnPath, toolCacheFolder } from '../../cli/find-tool.ts';

const execute = promisify(execFile);

const INSTALL_TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A list of pinned packages in scripts/python. */
export type PackageList = 'graphs' | 'genai' | 'openapi';

export interface Python {
  /**
   * Runs a program of this repository and returns its standard output.
   *
   * @param script path from the root of the repository.
   * @throws its standard error, if it failed or took longer than `timeout` milliseconds (default 10 minutes).
   */
  run(script: string, args?: readonly string[], options?: { readonly timeout?: number }): Promise<string>;
}

/** Python, or the reason why there is none, for the output of a test run. */
export type PythonSetup =
  | { readonly python: Python; readonly reason?: never }
  | { readonly python?: never; readonly reason: string };

/**
 * Python with the packages of a list, installed once per list into the user's cache folder. Safe to call concurrently: the
 * folder is filled under another name and renamed.
 *
 * @param say called before packages are fetched, some 100 MB.
 */
export async function pythonWith(
  list: PackageList,
  {
    env = process.env,
    say = console.warn,
  }: { readonly env?: NodeJS.ProcessEnv; readonly say?: (line: string) => void } = {},
): Promise<PythonSetup> {
  const executable = findOnPath(['python3', 'python'], env);
  if (executable === undefined) return { reason: 'no Python: PATH leads to no python3' };
  const quiet = {
    ...env,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONNOUSERSITE: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
  };
  let version: string;
  try {
    const probe = 'import sys, pip; print("%d.%d" % sys.version_info[:2], pip.__version__)';
    version = (await execute(executable, ['-c', probe], { env: quiet })).stdout.trim().split(' ')[0] ?? '';
  } catch (error) {
    return { reason: `Python cannot be used, it needs pip: ${lastLine(error)}` };
  }
  const requirements = fileURLToPath(new URL(`../python/${list}.txt`, import.meta.url));
  const folder = await packageFolder(requirements, version, env);
  if (!(await exists(folder))) {
    say(
      `Fetching the Python packages of scripts/python/${list}.txt, once; they are kept in the cache folder.`,
    );
    try {
      await install(executable, requirements, folder, quiet);
    } catch (error) {
      return {
        reason: `pip cannot install scripts/python/${list}.txt for Python ${version}: ${lastLine(error)}`,
      };
    }
  }
  return { python: runner(executable, { ...quiet, PYTHONPATH: folder }) };
}

function runner(executable: string, env: NodeJS.ProcessEnv): Python {
  return {
    run: async (script, args = [], { timeout = INSTALL_TIMEOUT_MS } = {}) => {
      const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
      const { stdout } = await execute(executable, [path, ...args], {
        env,
        timeout,
        maxBuffer: MAX_OUTPUT_BYTES,
      });
      return stdout;
    },
  };
}

/** The folder is named by everything that determines its contents. */
async function packageFolder(requirements: string, version: string, env: NodeJS.ProcessEnv): Promise<string> {
  const hash = createHash('sha256').update(await readFile(requirements));
  hash.update(`${version} ${process.platform} ${process.arch}`);
  return join(toolCacheFolder(env), `python-${hash.digest('hex').slice(0, 16)}`);
}

async function install(
  executable: string,
  requirements: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  try {
    const options = ['--quiet', '--no-input', '--disable-pip-version-check', '--only-binary', ':all:'];
    // Fails within a minute without a network.
    const limits = ['--retries', '1', '--timeout', '20'];
    await execute(
      executable,
      ['-m', 'pip', 'install', ...options, ...limits, '--target', fresh, '--requirement', requirements],
      { env, timeout: INSTALL_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES },
    );
    await rename(fresh, folder);
  } catch (error) {
    // Another process may have installed the same packages first: a full folder is not overwritten.
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The line with which Python or pip explain a failure: the last one with "error", else the last. */
function lastLine(error: unknown): string {
  const text =
    error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== ''
      ? error.stderr
      : String(error);
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '').trim();
}
