/** Files: upload, read and delete sources and the input and output of batches. */
import { FrameloomError } from '../../core/errors.ts';
import { ExpiresAfter, type File, type FilePurpose } from '../../schema/file.ts';
import { type FileId, newFileId } from '../../schema/ids.ts';
import { type BlobStore, StoreError } from '../../store/artifact-store.ts';
import { SOURCES } from '../../store/names.ts';
import { removeFile } from '../../store/remove.ts';
import { blobView, scopeOf } from '../../store/tenant-view.ts';
import { holdingView } from '../../store/uses.ts';
import { type Api, type ApiDeps, problemResponse } from '../app/index.ts';
import {
  displayName,
  type FormPart,
  findFile,
  formBoundary,
  formParts,
  listFiles,
  matchesTag,
  parseRange,
  storeFile,
  storeFileRecord,
} from '../files/index.ts';
import * as operations from '../operations/index.ts';

/** Values of `purpose` that clients of OpenAI send for files a model reads. */
const SOURCE_PURPOSES = new Set(['source', 'user_data', 'vision']);
/** The maximum length of a form field other than the file. */
const MAX_FIELD_BYTES = 1024;

export function fileRoutes(app: Api, { store, maxUploadBytes, clock }: ApiDeps): void {
  app.openapi(operations.createFile, async (c) => {
    const type = c.req.header('Content-Type');
    const boundary = formBoundary(type);
    // Other form types are not rejected: curl's --data-binary sends one by default.
    if (boundary === undefined && /^multipart\//i.test(type ?? '')) {
      throw new FrameloomError(
        'unsupported_content_type',
        'Send the bytes of the file as the body, or as `file` of a multipart/form-data form.',
      );
    }
    const tooLarge = new FrameloomError(
      'payload_too_large',
      `A file may have at most ${maxUploadBytes} bytes.`,
    );
    if (Number(c.req.header('Content-Length') ?? 0) > maxUploadBytes) throw tooLarge;
    const { filename, purpose, 'expires_after[seconds]': expiresAfter } = c.req.valid('query');
    const common = { id: newFileId(), now: clock.now(), maxBytes: maxUploadBytes, expiresAfter };
    const keep = async (): Promise<File> => {
      if (boundary !== undefined && c.req.raw.body)
        return await storeForm(store, c.get('tenant'), formParts(c.req.raw.body, boundary), common);
      const body = await nonEmpty(c.req.raw.body);
      const given = { filename: displayName(filename), purpose: purpose ?? ('source' as const) };
      return await storeFile(store, c.get('tenant'), { ...common, ...given, body });
    };
    const file = await keep().catch((error: unknown) => {
      throw error instanceof StoreError && error.code === 'too_large' ? tooLarge : error;
    });
    c.header('Location', `/v1/files/${file.id}`);
    return c.json(file, 201);
  });

  app.openapi(operations.listFiles, async (c) => {
    const { purpose, after, limit = 100, order = 'desc' } = c.req.valid('query');
    const { data, hasMore } = await listFiles(store, c.get('tenant'), {
      purpose: purpose === undefined ? undefined : purposeOf(purpose),
      after,
      limit: Math.min(limit, operations.MAX_LISTED_FILES),
      order,
      now: clock.now(),
    });
    return c.json(
      {
        object: 'list' as const,
        data: [...data],
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: hasMore,
      },
      200,
    );
  });

  app.openapi(operations.getFile, async (c) => {
    return c.json(await findFile(store, c.get('tenant'), c.req.valid('param').id, clock.now()), 200);
  });

  app.openapi(operations.getFileContent, async (c) => {
    const file = await findFile(store, c.get('tenant'), c.req.valid('param').id, clock.now());
    const isHead = c.req.method === 'HEAD';
    const etag = `"${file.sha256}"`;
    const modified = new Date(file.created_at * 1000).toUTCString();
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`,
      'Accept-Ranges': 'bytes',
      'Cache-Control': 'private, no-cache',
      ETag: etag,
      'Last-Modified': modified,
    };
    if (matchesTag(c.req.header('If-None-Match'), etag)) return new Response(null, { status: 304, headers });
    const condition = c.req.header('If-Range');
    const isCurrent = condition === undefined || condition === etag || condition === modified;
    // A range has no meaning for HEAD.
    const range = isCurrent && !isHead ? parseRange(c.req.header('Range'), file.bytes) : undefined;
    if (range === 'unsatisfiable') {
      const response = problemResponse(c, 'range_not_satisfiable', `The file has ${file.bytes} bytes.`);
      response.headers.set('Content-Range', `bytes */${file.bytes}`);
      return response as never; // problems are not part of the types of a route
    }
    const { start, end } = range ?? { start: 0, end: file.bytes };
    const own = blobView(store, scopeOf(store, c.get('tenant')));
    const body = isHead ? null : await own.read(`${SOURCES}/${file.sha256}`, range);
    return new Response(body, {
      status: range ? 206 : 200,
      headers: {
        ...headers,
        'Content-Length': String(end - start),
        ...(range ? { 'Content-Range': `bytes ${start}-${end - 1}/${file.bytes}` } : {}),
      },
    });
  });

  app.openapi(operations.deleteFile, async (c) => {
    const { id } = await findFile(store, c.get('tenant'), c.req.valid('param').id, clock.now());
    await removeFile(store, id);
    return c.json({ id, object: 'file' as const, deleted: true as const }, 200);
  });
}

/** Stores the file of a form. `purpose` can follow the file, so the record is written last. */
async function storeForm(
  store: BlobStore,
  tenant: string,
  parts: AsyncIterable<FormPart>,
  common: {
    readonly id: FileId;
    readonly now: number;
    readonly maxBytes: number;
    readonly expiresAfter: number | undefined;
  },
): Promise<File> {
  const own = holdingView(store, scopeOf(store, tenant), common.id);
  let kept: { readonly bytes: number; readonly sha256: string } | undefined;
  let filename: string | undefined;
  let purpose: FilePurpose = 'source';
  let { expiresAfter } = common;
  for await (const part of parts) {
    if (part.name === 'file' && !kept) {
      filename = part.filename;
      kept = await own.putByContent(SOURCES, await nonEmpty(part.body), { maxBytes: common.maxBytes });
    } else if (part.name === 'purpose') {
      const given = await fieldText(part.body);
      if (given !== 'batch' && !SOURCE_PURPOSES.has(given))
        throw new FrameloomError('invalid_request', 'purpose: must be source or batch.');
      purpose = purposeOf(given);
    } else if (part.name === 'expires_after[seconds]') {
      expiresAfter = expirySeconds(await fieldText(part.body));
    }
  }
  if (!kept) throw new FrameloomError('invalid_request', 'The form has no `file`.');
  const name = displayName(filename);
  return await storeFileRecord(store, tenant, kept, { ...common, purpose, expiresAfter, filename: name });
}

/** The purpose of a file with one of OpenAI's purposes. */
function purposeOf(given: string): FilePurpose {
  return given === 'batch' || given === 'batch_output' ? given : 'source';
}

function expirySeconds(text: string): number {
  const parsed = ExpiresAfter.shape.seconds.safeParse(/^\d{1,9}$/.test(text) ? Number(text) : undefined);
  if (parsed.success) return parsed.data;
  throw new FrameloomError('invalid_request', 'expires_after[seconds]: must be 3600 to 2592000.');
}

async function fieldText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_FIELD_BYTES)
      throw new FrameloomError('invalid_request', 'A field of the form is too long.');
  }
  return text + decoder.decode();
}

/** The chunks of `body`. @throws FrameloomError `empty_source` without bytes, before anything is stored */
async function nonEmpty(body: AsyncIterable<Uint8Array> | null): Promise<AsyncIterable<Uint8Array>> {
  const chunks = body?.[Symbol.asyncIterator]();
  let first = await chunks?.next();
  while (first && !first.done && first.value.byteLength === 0) first = await chunks?.next();
  if (!chunks || !first || first.done) throw new FrameloomError('empty_source', 'The body has no bytes.');
  return rejoin(first.value, chunks);
}

async function* rejoin(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
