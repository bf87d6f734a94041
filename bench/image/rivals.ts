/** Gets the packages that the benchmark compares with, into a cache folder outside of the repository. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const TRANSFORMERS_JS = '4.3.1';
const GENAI = '0.18.0';

const INSTALL_TIMEOUT_MS = 600_000;

/** A package that is there, or the reason why it is not. */
export type Rival = { readonly name: string } & (
  | { readonly folder: string; readonly missing?: never }
  | { readonly folder?: never; readonly missing: string }
);

export function transformersJs(): Promise<Rival> {
  return installed(`Transformers.js ${TRANSFORMERS_JS}`, `transformers-js-${TRANSFORMERS_JS}`, (folder) =>
    run(
      'npm',
      [
        ...['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'],
        `@huggingface/transformers@${TRANSFORMERS_JS}`,
      ],
      { timeout: INSTALL_TIMEOUT_MS },
    ),
  );
}

export function onnxruntimeGenai(): Promise<Rival> {
  return installed(`onnxruntime-genai ${GENAI}`, `genai-${GENAI}`, (folder) =>
    run(
      'python3',
      ['-m', 'pip', 'install', '--quiet', '--target', folder, `onnxruntime-genai==${GENAI}`, 'numpy'],
      { timeout: INSTALL_TIMEOUT_MS },
    ),
  );
}

async function installed(
  name: string,
  folderName: string,
  install: (folder: string) => Promise<unknown>,
): Promise<Rival> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'frameloom', 'bench');
  const folder = join(cache, folderName);
  if (existsSync(folder)) return { name, folder };
  await mkdir(cache, { recursive: true });
  // Under its name only once it is whole: an installation that was cut off is not taken for one.
  const half = await mkdtemp(join(cache, 'installing-'));
  try {
    await install(half);
    await rename(half, folder);
    return { name, folder };
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    return { name, missing: reason(error) };
  }
}

/** Returns the last line of the error output or message. */
export function reason(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message?: string }; // execFile's errors
  return (stderr?.trim() || message || String(error)).split('\n').at(-1)?.trim() ?? 'unknown';
}
