/** The lines of a batch, checked one by one: a bad one says what is wrong with it and stops no other. */

import { canonicalJson, digest } from '../../core/canonical-json.ts';
import { FrameloomError } from '../../core/errors.ts';
import { BatchRequestLine, type LineError, MAX_LINE_BYTES, type ShardLine } from '../../schema/batch.ts';
import { type BatchId, jobIdOfLine } from '../../schema/ids.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { detachSecrets, replacePasswords, requireFiles } from '../files/index.ts';

/** A line before it is checked: its value, or why it has none. */
export type RawLine = { readonly line: number } & (
  | { readonly value: unknown; readonly error?: never }
  | { readonly error: LineError; readonly value?: never }
);

export interface LineDeps {
  readonly store: BlobStore;
  readonly clock: { now(): number };
  /** Whether the lines are run more than once: what is kept for one job alone cannot be among them then. */
  readonly repeats?: boolean;
}

/** Lines whose files are looked for at once. */
const AT_ONCE = 25;

/** Checks `lines` in order. Throws only what stops all of them, such as a store that does not answer. */
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
    if (group.length < AT_ONCE) continue;
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
    // The group is checked in order up to the first wait: of two lines the later one is told.
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
      const request = await detachSecrets(deps, tenant, jobId, referenced);
      if (new TextEncoder().encode(canonicalJson(request)).length > MAX_LINE_BYTES) {
        const message = `body: has more than ${MAX_LINE_BYTES} bytes`;
        return { line, customId, error: { code: 'payload_too_large', message, param: 'body' } };
      }
      return { line, customId: id, jobId, fingerprint, request };
    } catch (error) {
      if (!(error instanceof FrameloomError) || error.retryable) throw error;
      return { line, customId, error: { code: error.code, message: error.message, param: 'body.source' } };
    }
  }

  /** Lines that name the same files have them looked for once. */
  function requireOnce(source: Parameters<typeof requireFiles>[2]): Promise<void> {
    const key = canonicalJson(source);
    const known = found.get(key) ?? requireFiles(deps.store, tenant, source);
    found.set(key, known);
    return known;
  }
}

/** What is wrong, as a sentence that begins with the member it is about. */
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

/** What nobody waits for goes last, unless its line says otherwise. */
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
