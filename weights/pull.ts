/** Fills a model folder with weights. */
import { mkdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightFile, WeightSet } from './catalogue.ts';
import { fileBytes } from './digest.ts';
import { diskFailure, WeightsError } from './errors.ts';
import { fetchFile } from './fetch-file.ts';
import type { Hub } from './hub.ts';
import { writeManifest, writeWhole } from './manifest.ts';
import { partOf } from './part.ts';
import { cancelledError, DEFAULT_RETRY_POLICY, type RetryEvent, type RetryPolicy } from './retry.ts';
import { checkFile } from './verify.ts';

export type PullEvent = {
  readonly path: string;
  readonly index: number;
  readonly files: number;
  /** Bytes of this file that are on disk and checked so far; its size as far as it is known. */
  readonly bytes: number;
  readonly size: number;
  /** The same of all files. */
  readonly allBytes: number;
  readonly allSize: number;
} & (
  | { readonly type: 'checking' | 'kept' | 'fetching' | 'done' }
  | { readonly type: 'retry'; readonly retry: RetryEvent }
);

export interface PullOptions {
  readonly hub: Hub;
  readonly signal: AbortSignal;
  /** Small files of ours beside the weights, written before the last of those. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Whether `weights.json` is kept: where the checksums are not in the catalogue. */
  readonly manifest?: boolean;
  readonly onEvent?: (event: PullEvent) => void;
  readonly retryPolicy?: RetryPolicy;
  /** Free bytes of the disk that a folder is on. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** Room left for everything else on the disk. */
const SPARE_BYTES = 64e6;

export interface Pulled {
  /** Files that were fetched; the others were there. */
  readonly fetched: number;
  readonly bytes: number;
}

/**
 * Makes `folder` hold exactly what `set` says: files that are there and right stay, damaged ones are fetched again, parts of an
 * earlier pull are continued. The file `set.last` is there only while all others are right. Two pulls must not work on one
 * folder: the caller holds a lock. Throws WeightsError.
 */
export async function pullWeights(set: WeightSet, folder: string, options: PullOptions): Promise<Pulled> {
  try {
    return await pull(set, folder, options);
  } catch (error) {
    throw options.signal.aborted ? cancelledError(options.signal) : diskFailure(error);
  }
}

async function pull(set: WeightSet, folder: string, options: PullOptions): Promise<Pulled> {
  const { hub, signal, retryPolicy = DEFAULT_RETRY_POLICY } = options;
  await mkdir(folder, { recursive: true });
  const files = [...set.files].sort((a, b) => Number(a.path === set.last) - Number(b.path === set.last));
  const progress = progressOf(files, options.onEvent ?? (() => undefined));

  const wanted: { readonly file: WeightFile; readonly index: number }[] = [];
  for (const [index, file] of files.entries()) {
    const step = progress.file(index);
    const state = await checkFile(folder, file, (count) => step.add(count, 'checking'), signal);
    if (state === 'ok') {
      step.end('kept');
      continue;
    }
    step.reset();
    if (state === 'damaged') await rm(join(folder, file.path), { recursive: true, force: true });
    wanted.push({ file, index });
  }
  if (wanted.length > 0) {
    await rm(join(folder, set.last), { force: true });
    const lastIndex = files.length - 1;
    if (!wanted.some(({ index }) => index === lastIndex)) {
      progress.file(lastIndex).reset();
      wanted.push(...files.slice(lastIndex).map((file) => ({ file, index: lastIndex })));
    }
    await checkSpace(
      wanted.map(({ file }) => file),
      folder,
      options.freeBytes ?? freeBytes,
    );
    if (options.manifest) await writeManifest(folder, set);
  }

  let bytes = 0;
  for (const { file, index } of wanted) {
    if (file.path === set.last) await writeBeside(folder, options.beside);
    const step = progress.file(index);
    await fetchFile(file, join(folder, file.path), {
      hub,
      repository: set.repository,
      revision: set.revision,
      retryPolicy,
      signal,
      onBytes: (change, how) => step.add(change, how),
      onSize: (size) => step.resize(size),
      onRetry: (retry) => step.retry(retry),
    });
    bytes += step.end('done');
  }
  await writeBeside(folder, options.beside);
  return { fetched: wanted.length, bytes };
}

async function writeBeside(folder: string, beside: PullOptions['beside'] = {}): Promise<void> {
  for (const [name, text] of Object.entries(beside)) {
    const path = join(folder, name);
    const there = await readFile(path, 'utf8').catch(() => undefined);
    if (there !== text) await writeWhole(path, text);
  }
}

async function checkSpace(
  files: readonly WeightFile[],
  folder: string,
  free: (folder: string) => Promise<number>,
): Promise<void> {
  let needed = 0;
  for (const { path, size } of files) {
    needed += Math.max(0, size.bytes - ((await fileBytes(partOf(join(folder, path)))) ?? 0));
  }
  const there = await free(folder);
  if (there < needed + SPARE_BYTES) {
    throw new WeightsError(
      'disk_full',
      `The files need ${megabytes(needed + SPARE_BYTES)}; the disk of the model folder has ${megabytes(there)} free.`,
    );
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}

interface Step {
  add(change: number, type: 'checking' | 'fetching'): void;
  reset(): void;
  resize(size: number): void;
  retry(event: RetryEvent): void;
  /** Answers the file's bytes. */
  end(type: 'kept' | 'done'): number;
}

/** Keeps count for all files, so that each event tells the whole. */
function progressOf(
  files: readonly WeightFile[],
  onEvent: (event: PullEvent) => void,
): { file(index: number): Step } {
  const states = files.map(({ path, size }) => ({ path, bytes: 0, size: size.bytes }));
  const sum = (key: 'bytes' | 'size'): number => states.reduce((total, state) => total + state[key], 0);
  return {
    file(index) {
      const state = states[index] ?? { path: '', bytes: 0, size: 0 };
      const event = () => ({
        ...state,
        index,
        files: files.length,
        allBytes: sum('bytes'),
        allSize: sum('size'),
      });
      return {
        add(change, type) {
          state.bytes += change;
          onEvent({ ...event(), type });
        },
        reset() {
          state.bytes = 0;
        },
        resize(size) {
          state.size = size;
        },
        retry(retry) {
          onEvent({ ...event(), type: 'retry', retry });
        },
        end(type) {
          state.size = state.bytes;
          onEvent({ ...event(), type });
          return state.bytes;
        },
      };
    },
  };
}
