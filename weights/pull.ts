/** Downloads weights to a model folder. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightFile, WeightSet } from './catalogue.ts';
import { asDiskError } from './errors.ts';
import { fetchFile } from './fetch-file.ts';
import { freeBytes, requireFreeSpace } from './free-space.ts';
import type { HubClient } from './hub.ts';
import { writeAtomically, writeManifest } from './manifest.ts';
import { type PullEvent, trackProgress } from './progress.ts';
import { cancelledError, DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry.ts';
import { checkFile } from './verify.ts';

/** Options of `pullWeights`. */
export interface PullOptions {
  readonly hub: HubClient;
  readonly signal: AbortSignal;
  /** Content of additional small files by name, written before `markerFile`. */
  readonly extraFiles?: Readonly<Record<string, string>>;
  /** Whether to write `weights.json`, for checksums that are not in the catalogue. Default: false. */
  readonly saveManifest?: boolean;
  readonly onEvent?: (event: PullEvent) => void;
  readonly retryPolicy?: RetryPolicy;
  /** Returns the free bytes of the disk of a folder. Default: statfs. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** What a pull downloaded. */
export interface PullSummary {
  /** Number of downloaded files. The others were already complete. */
  readonly fetched: number;
  readonly bytes: number;
}

/**
 * Downloads the files of `set` to `folder`. Complete files are kept, damaged ones are replaced, and partial
 * downloads are resumed. The file `set.markerFile` exists only while all others are complete. The caller must
 * prevent concurrent pulls to one folder with a lock.
 *
 * @throws WeightsError of any code but `listing`, `in_use` and `no_checksums`.
 */
export async function pullWeights(
  set: WeightSet,
  folder: string,
  options: PullOptions,
): Promise<PullSummary> {
  try {
    return await pull(set, folder, options);
  } catch (error) {
    throw options.signal.aborted ? cancelledError(options.signal) : asDiskError(error);
  }
}

async function pull(set: WeightSet, folder: string, options: PullOptions): Promise<PullSummary> {
  const { hub, signal, retryPolicy = DEFAULT_RETRY_POLICY } = options;
  await mkdir(folder, { recursive: true });
  const files = [...set.files].sort(
    (a, b) => Number(a.path === set.markerFile) - Number(b.path === set.markerFile),
  );
  const progress = trackProgress(files, options.onEvent ?? (() => undefined));

  const missing: { readonly file: WeightFile; readonly index: number }[] = [];
  for (const [index, file] of files.entries()) {
    const step = progress.file(index);
    const state = await checkFile(folder, file, (count) => step.add(count, 'checking'), signal);
    if (state === 'ok') {
      step.end('unchanged');
      continue;
    }
    step.reset();
    if (state === 'damaged') await rm(join(folder, file.path), { recursive: true, force: true });
    missing.push({ file, index });
  }
  if (missing.length > 0) {
    await rm(join(folder, set.markerFile), { force: true });
    const lastIndex = files.length - 1;
    if (!missing.some(({ index }) => index === lastIndex)) {
      progress.file(lastIndex).reset();
      missing.push(...files.slice(lastIndex).map((file) => ({ file, index: lastIndex })));
    }
    await requireFreeSpace(
      missing.map(({ file }) => file),
      folder,
      options.freeBytes ?? freeBytes,
    );
    if (options.saveManifest) await writeManifest(folder, set);
  }

  let bytes = 0;
  for (const { file, index } of missing) {
    if (file.path === set.markerFile) await writeExtraFiles(folder, options.extraFiles);
    const step = progress.file(index);
    await fetchFile(file, join(folder, file.path), {
      host: hub.host,
      open: (from) => hub.openFile(set.repository, set.revision, file.source, from, signal),
      retryPolicy,
      signal,
      onBytes: (change, how) => step.add(change, how),
      onSize: (size) => step.resize(size),
      onRetry: (retry) => step.retry(retry),
    });
    bytes += step.end('done');
  }
  await writeExtraFiles(folder, options.extraFiles);
  return { fetched: missing.length, bytes };
}

async function writeExtraFiles(folder: string, extraFiles: PullOptions['extraFiles'] = {}): Promise<void> {
  for (const [name, text] of Object.entries(extraFiles)) {
    const path = join(folder, name);
    const current = await readFile(path, 'utf8').catch(() => undefined);
    if (current !== text) await writeAtomically(path, text);
  }
}
