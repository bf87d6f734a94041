/** The slice of the text graph at full width that benchmarks run: made by Python once, kept in the user's cache folder. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toolCacheFolder } from '../../cli/find-tool.ts';
import type { Python } from '../../scripts/lib/python-env.ts';

const SOURCES = new URL('../../scripts/graphs/', import.meta.url);
const TIMEOUT_MS = 5 * 60_000;

/**
 * Path of a model folder with `layers` layers of the published width and random int4 weights, in Microsoft's layout but
 * without tokenizer and processor. Its folder `genai` is the same decoder for onnxruntime-genai. Takes 100 MB, and 75 MB
 * per layer.
 *
 * @param python with the packages of scripts/python/graphs.txt.
 * @param say told when a slice is made.
 */
export async function sliceFolder(
  python: Python,
  {
    layers = 4,
    env = process.env,
    say = console.warn,
  }: {
    readonly layers?: number;
    readonly env?: NodeJS.ProcessEnv;
    readonly say?: (line: string) => void;
  } = {},
): Promise<string> {
  const parent = join(toolCacheFolder(env), 'slices');
  const name = `${layers}-layers-${await sourceHash()}`;
  const folder = join(parent, name);
  if (await exists(folder)) return folder;
  await mkdir(parent, { recursive: true });
  // Slices of an earlier state of the script are of no use to anyone, and large.
  for (const other of await readdir(parent)) {
    if (/^\d+-layers-[0-9a-f]+$/.test(other) && other.startsWith(`${layers}-`)) {
      await rm(join(parent, other), { recursive: true, force: true });
    }
  }
  say(`Making a slice of ${layers} layers with random weights, once; it is kept in the cache folder.`);
  const fresh = await mkdtemp(`${folder}.`);
  try {
    await python.run('scripts/graphs/slice.py', [fresh, String(layers)], { timeout: TIMEOUT_MS });
    await rename(fresh, folder);
  } catch (error) {
    // Someone else may have made it meanwhile.
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['image.py', 'onnx_graph.py', 'slice.py', 'small.py', 'text.py']) {
    hash.update(await readFile(new URL(file, SOURCES)));
  }
  return hash.digest('hex').slice(0, 12);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
