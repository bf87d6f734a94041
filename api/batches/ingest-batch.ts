/** Ingestion of batches: validates all lines and stores them in shards, in one pass and constant memory. */

import { digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { withoutNullMembers } from '../../core/json-body.ts';
import {
  BATCH_TEXTS_VERSION,
  type BatchCreate,
  type BatchMemo,
  type BatchTexts,
  DEFAULT_IN_FLIGHT,
  LINES_PER_SHARD,
  MAX_BATCH_BYTES,
  MAX_BATCH_LINES,
  type ShardLine,
  windowSeconds,
} from '../../schema/batch.ts';
import type { File } from '../../schema/file.ts';
import type { BatchId, FileId } from '../../schema/ids.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { batchShardName, batchTextsName, SOURCES } from '../../store/names.ts';
import { blobView, scopeOf } from '../../store/tenant-view.ts';
import { MAX_JSON_BYTES } from '../app/index.ts';
import { findFile } from '../files/index.ts';
import { checkLines, type LineDeps, type RawLine } from './batch-lines.ts';
import { textLines } from './json-lines.ts';

/** Invalid lines listed in the batch object. The error file has all. */
const MAX_LISTED_ERRORS = 8;
const MAX_MESSAGE_LENGTH = 100;

/**
 * A digest of a request. Requests with the same digest are the same batch: it includes the bytes of the input
 * file but not its id, so the file can be uploaded again, and no members that can be updated later.
 */
export function batchFingerprint(request: BatchCreate, file: File | undefined): Promise<string> {
  const { input_file_id: _id, max_in_flight: _changeable, ...rest } = request;
  return digest({ ...rest, file: file?.sha256 });
}

/**
 * Returns the input file of a batch.
 *
 * @throws FrameloomError `not_found`, or `invalid_request` for the output of a batch
 */
export async function findBatchFile(store: BlobStore, tenant: string, id: FileId): Promise<File> {
  const file = await findFile(store, tenant, id);
  if (file.purpose === 'batch_output')
    throw new FrameloomError('invalid_request', 'input_file_id: is the output of a batch.');
  return file;
}

/** Names of the artifacts of a batch or schedule. */
interface BatchNames {
  readonly shard: typeof batchShardName;
  readonly texts: typeof batchTextsName;
}

const BATCH_NAMES: BatchNames = { shard: batchShardName, texts: batchTextsName };

/**
 * Validates and stores the lines of a batch and its texts, and returns the memo of its workflow.
 *
 * @throws FrameloomError `invalid_request` or `payload_too_large` if the whole batch is rejected
 */
export async function ingestBatch(
  deps: LineDeps,
  tenant: string,
  batchId: BatchId,
  request: BatchCreate,
  file: File | undefined,
  names = BATCH_NAMES,
): Promise<BatchMemo> {
  const fingerprint = await batchFingerprint(request, file);
  const input = fingerprint.slice(0, 16);
  if (file && file.bytes > MAX_BATCH_BYTES)
    throw new FrameloomError(
      'payload_too_large',
      `The file of a batch may have at most ${MAX_BATCH_BYTES} bytes.`,
    );
  const own = blobView(deps.store, scopeOf(deps.store, tenant));
  const raw = file
    ? fileLines(await own.read(`${SOURCES}/${file.sha256}`))
    : inlineLines(request.requests ?? []);
  const errors: BatchTexts['errors'] = [];
  let [total, invalid, shards] = [0, 0, 0];
  let shard: ShardLine[] = [];

  async function storeShard(): Promise<void> {
    if (shard.length === 0) return;
    const bytes = new TextEncoder().encode(JSON.stringify(shard));
    await deps.store.put(names.shard(batchId, input, shards), bytes);
    shards += 1;
    shard = [];
  }

  for await (const line of checkLines(deps, tenant, batchId, raw)) {
    total += 1;
    if (total > MAX_BATCH_LINES)
      throw new FrameloomError('invalid_request', `A batch may have at most ${MAX_BATCH_LINES} lines.`);
    if ('error' in line) {
      invalid += 1;
      const { code, message, param = null } = line.error;
      if (errors.length < MAX_LISTED_ERRORS)
        errors.push({ code, message: message.slice(0, MAX_MESSAGE_LENGTH), line: line.line, param });
    }
    shard.push(line);
    if (shard.length === LINES_PER_SHARD) await storeShard();
  }
  await storeShard();
  if (total === 0) throw new FrameloomError('invalid_request', 'The file has no lines.');
  if (request.fail_fast && invalid > 0)
    throw new FrameloomError('invalid_request', describeInvalidLines(errors, invalid));
  const texts: BatchTexts = { version: BATCH_TEXTS_VERSION, metadata: request.metadata ?? null, errors };
  const hasTexts = texts.metadata !== null || errors.length > 0;
  if (hasTexts)
    await deps.store.put(names.texts(batchId, input), new TextEncoder().encode(JSON.stringify(texts)));
  const createdAt = Math.floor(deps.clock.now() / 1000);
  const { output_expires_after: outputExpiry } = request;
  return {
    tenant,
    fingerprint,
    input,
    inputFileId: file?.id ?? null,
    completionWindow: request.completion_window,
    ...(hasTexts ? { hasTexts } : {}),
    shards,
    total,
    invalid,
    round: 1,
    maxInFlight: request.max_in_flight ?? DEFAULT_IN_FLIGHT,
    ...(outputExpiry === undefined ? {} : { outputExpiresAfter: outputExpiry.seconds }),
    createdAt,
    expiresAt: createdAt + windowSeconds(request.completion_window),
    status: 'validating',
    completed: 0,
    failed: invalid,
    times: {},
  };
}

async function* fileLines(bytes: ReadableStream<Uint8Array>): AsyncGenerator<RawLine> {
  for await (const { line, text } of textLines(bytes, MAX_JSON_BYTES)) {
    if (text === undefined) {
      const message = `is longer than ${MAX_JSON_BYTES} bytes, or not UTF-8`;
      yield { line, error: { code: 'invalid_request', message: `the line: ${message}` } };
      continue;
    }
    yield { line, ...parse(text) };
  }
}

async function* inlineLines(requests: readonly unknown[]): AsyncGenerator<RawLine> {
  for (const [index, value] of requests.entries()) yield { line: index + 1, value };
}

function parse(
  text: string,
): { readonly value: unknown } | Pick<Extract<RawLine, { value?: never }>, 'error'> {
  try {
    return { value: withoutNullMembers(JSON.parse(text)) };
  } catch {
    return { error: { code: 'invalid_request', message: 'the line: is not valid JSON' } };
  }
}

function describeInvalidLines(
  errors: readonly { line: number | null; message: string }[],
  count: number,
): string {
  const listed = errors.slice(0, 5).map(({ line, message }) => `line ${line}: ${message}`);
  return `${count} invalid line${count === 1 ? '' : 's'}. ${listed.join('; ')}${count > listed.length ? '; …' : ''}`;
}
