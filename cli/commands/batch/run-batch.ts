/**
 * `frameloom batch run`: starts the batch of a file or attaches to it, follows it, and writes its results.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameloomClient } from '../../../client/index.ts';
import { FrameloomError } from '../../../core/errors.ts';
import { type Batch, isFinalBatchStatus } from '../../../schema/batch.ts';
import { definedMember } from '../../arguments/index.ts';
import type { ServerConnection } from '../../connect-to-server.ts';
import { type CommandContext, EXIT_CODES, printLine, UsageError } from '../../context.ts';
import { createBatchView, formatBatchCounts } from '../../output/index.ts';
import { type OnUpload, uploadLocalFile } from '../../upload-local-file.ts';

const STATUS_POLL_MS = 1000;

export interface RunOptions {
  /** File for the results. */
  readonly out?: string | undefined;
  readonly inFlight: number | undefined;
  readonly window?: string | undefined;
  readonly name: string;
  readonly failFast: boolean;
}

export interface BatchFile {
  readonly path: string;
  /** File for the results. */
  readonly out: string;
  /** Idempotency key: the same content with the same options is the same batch. */
  readonly key: string;
}

/** Reads the file once for its hash. Throws UsageError, and FrameloomError where the file does not exist. */
export async function readBatchFile(
  path: string,
  { out, window, name, failFast }: RunOptions,
): Promise<BatchFile> {
  if (out === undefined) throw new UsageError('name the file for the results with --out RESULTS.jsonl.');
  const hash = await hashFile(path, [window ?? '', name, failFast]);
  return { path, out, key: `frameloom-batch-${hash}` };
}

/**
 * SHA-256, in hex, of the options and the content of a file. Throws FrameloomError where the file does not
 * exist.
 */
export async function hashFile(path: string, options: readonly (string | boolean)[]): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) throw new FrameloomError('source_missing', `File not found: ${path}`);
  const hash = createHash('sha256').update(JSON.stringify(options));
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Returns the exit code. Throws ApiError. */
export async function runBatch(
  { client, isEmbedded }: ServerConnection,
  file: BatchFile,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const { stderr, signal } = context;
  const view = createBatchView(stderr, basename(file.path));
  let id: string | undefined;
  try {
    let batch = await startBatch(client, file, options, { signal, onProgress: view.showUpload });
    id = batch.id;
    // Not `retry`: it waits for a status, and no request has failed.
    for (;;) {
      view.show(batch);
      if (isFinalBatchStatus(batch.status)) break;
      await sleep(STATUS_POLL_MS, undefined, { signal });
      batch = await client.getBatch(id, { signal });
    }
    await writeResults(client, id, file.out, signal);
    view.close();
    return printOutcome(batch, file, context);
  } catch (error) {
    view.close();
    if (!signal.aborted) throw error;
    printLine(stderr, describeInterruption(id, file, isEmbedded));
    return EXIT_CODES.interrupted;
  }
}

/** Starts the batch, or finds it by its idempotency key and applies a changed --in-flight. */
async function startBatch(
  client: FrameloomClient,
  { path, key }: BatchFile,
  { inFlight, window, failFast }: RunOptions,
  upload: { readonly signal: AbortSignal; readonly onProgress: OnUpload },
): Promise<Batch> {
  const { signal } = upload;
  const uploaded = await uploadLocalFile(client, path, { ...upload, purpose: 'batch' });
  const batch = await client.createBatch(
    {
      input_file_id: uploaded.id,
      endpoint: '/v1/summaries',
      fail_fast: failFast,
      ...definedMember('completion_window', window),
      ...definedMember('max_in_flight', inFlight),
    },
    { idempotencyKey: key, signal },
  );
  if (inFlight === undefined || batch.max_in_flight === inFlight || isFinalBatchStatus(batch.status))
    return batch;
  return await client.updateBatch(batch.id, { max_in_flight: inFlight }, { signal });
}

/** Writes the results to `out`, which is replaced only when all of them have arrived. */
export async function writeResults(
  client: FrameloomClient,
  id: string,
  out: string,
  signal: AbortSignal,
): Promise<void> {
  const results = await client.getBatchResults(id, { signal });
  const partial = `${out}.part`;
  await pipeline(Readable.from(results), createWriteStream(partial), { signal });
  await rename(partial, out);
}

function printOutcome(batch: Batch, { out }: BatchFile, { stderr }: CommandContext): number {
  const { total, completed } = batch.request_counts;
  printLine(stderr, `${formatBatchCounts(batch)}. Results: ${out}`);
  if (completed < total && batch.status !== 'failed')
    printLine(stderr, `To run the lines without a result again: frameloom batch retry ${batch.id}`);
  if (batch.status !== 'completed') return EXIT_CODES.failed;
  return completed === total ? EXIT_CODES.complete : EXIT_CODES.gaps;
}

function describeInterruption(id: string | undefined, { path, out }: BatchFile, isEmbedded: boolean): string {
  const command = `frameloom batch run ${path} --out ${out}`;
  if (id === undefined) return `The batch was not started. To start it: ${command}`;
  // The embedded system stops with the command.
  if (isEmbedded) return `The batch is interrupted. To continue it: ${command}`;
  return `The batch continues on the server. To follow it: ${command}\nTo show its status: frameloom batch status ${id}`;
}
