/** The lines of a batch, checked one by one: an invalid line gets an error and does not affect the others. */

import { canonicalJson, digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { BatchRequestLine, type LineError, MAX_LINE_BYTES, type ShardLine } from '../../schema/batch.ts';
import { type BatchId, jobIdOfLine } from '../../schema/ids.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { detachSecrets, replacePasswords, requireFiles } from '../files/index.ts';

/** A line before validation: its value, or the error of its JSON. */
export type RawLine = { readonly line: number } & (
  | { readonly value: unknown; readonly error?: never }
  | { readonly error: LineError; readonly value?: never }
);

export interface LineDeps {
  readonly store: BlobStore;
  readonly clock: { now(): number };
  /**
   * Whether the lines run repeatedly. They then cannot have passwords or transcripts, which are stored per
   * job.
   */
  readonly repeats?: boolean;
}

/** How many lines are checked at the same time. */
const MAX_CONCURRENT_LINES = 25;

/**
 * Validates `lines` and yields them in order, each as a job or with an error.
 *
 * @throws FrameloomError and StoreError that affect all lines, such as an unavailable store
 */
export async function* checkLines(
  deps: LineDeps,
  tenant: string,
  batchId: BatchId,
  lines: AsyncIterable<RawLine>,
): AsyncGenerator<ShardLine> {
  const firstWith = new Map<string, number>();
  const found = new Map<string, Promise<void>>();
  let group: RawLine[] = [];
  for await (const line of lines) {
    group.push(line);
    if (group.length < MAX_CONCURRENT_LINES) continue;
    yield* await Promise.all(group.map(check));
    group = [];
  }
  yield* await Promise.all(group.map(check));

  async function check(raw: RawLine): Promise<ShardLine> {
    const { line } = raw;
    const customId = customIdOf(raw.value);
    if (raw.error) return { line, customId, error: raw.error };
    const parsed = BatchRequestLine.safeParse(withLowPriority(raw.value));
    if (!parsed.success) return { line, customId, error: firstProblem(parsed.error.issues[0]) };
    const { custom_id: id, body } = parsed.data;
    // Lines of a group run in order up to their first await, so the later duplicate gets the error.
    const before = firstWith.get(id);
    if (before !== undefined) {
      const message = `line ${before} has the same custom_id`;
      return { line, customId, error: { code: 'invalid_request', message, param: 'custom_id' } };
    }
    firstWith.set(id, line);
    try {
      const jobId = await jobIdOfLine(tenant, batchId, id);
      await requireOnce(body.source);
      const referenced = await replacePasswords(deps.store, tenant, {
        ...body,
        custom_id: body.custom_id ?? id,
      });
      if (deps.repeats && (referenced.secrets.size > 0 || body.transcript !== undefined)) {
        const message =
          'body: a schedule takes no passwords, and transcripts only as files (source.subtitles)';
        return { line, customId, error: { code: 'invalid_request', message, param: 'body' } };
      }
      const fingerprint = await digest(referenced.request);
      const detached = await detachSecrets(deps.store, jobId, referenced);
      if (new TextEncoder().encode(canonicalJson(detached.request)).length > MAX_LINE_BYTES) {
        const message = `body: has more than ${MAX_LINE_BYTES} bytes`;
        return { line, customId, error: { code: 'payload_too_large', message, param: 'body' } };
      }
      return { line, customId: id, jobId, fingerprint, ...detached };
    } catch (error) {
      if (!(error instanceof FrameloomError) || error.retryable) throw error;
      return { line, customId, error: { code: error.code, message: error.message, param: 'body.source' } };
    }
  }

  /** Files named by several lines are looked up once. */
  function requireOnce(source: Parameters<typeof requireFiles>[2]): Promise<void> {
    const key = canonicalJson(source);
    const known = found.get(key) ?? requireFiles(deps.store, tenant, source);
    found.set(key, known);
    return known;
  }
}

/** The first error as a message that starts with the path of the member. */
function firstProblem(
  issue: { readonly path: PropertyKey[]; readonly message: string } | undefined,
): LineError {
  const param = (issue?.path ?? []).map(String).join('.');
  const message = (issue?.message ?? 'is malformed').slice(0, 200);
  return {
    code: 'invalid_request',
    message: `${param || 'the line'}: ${message}`,
    ...(param ? { param } : {}),
  };
}

/** Lines of a batch have low priority by default. */
function withLowPriority(value: unknown): unknown {
  if (!isRecord(value) || !isRecord(value.body)) return value;
  return { ...value, body: { priority: 'low', ...value.body } };
}

function customIdOf(value: unknown): string | null {
  const id = isRecord(value) ? value.custom_id : undefined;
  return typeof id === 'string' ? id.slice(0, 128) : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
