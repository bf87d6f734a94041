/** Uploaded files: names for bytes that jobs can refer to. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../schema/errors.ts';
import { File } from '../../schema/file.ts';
import { FileId, newFileId } from '../../schema/ids.ts';
import type { SourceRequest } from '../../schema/request.ts';
import { type ArtifactBody, type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import { fileName, SOURCE } from '../../store/names.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { readJson } from '../job-view.ts';
import { problems } from '../problems.ts';

/** What stands in the store: the file and whose it is. */
interface StoredFile extends File {
  readonly tenant: string;
}

const Params = z.object({ id: FileId.meta({ description: 'Id of the file.' }) });

const create = createRoute({
  method: 'post',
  path: '/v1/files',
  operationId: 'createFile',
  summary: 'Upload a file',
  description:
    'The body is the bytes of the file, of any content type but a multipart form. It is streamed and never held in memory.',
  tags: ['Files'],
  request: {
    query: z.object({
      filename: z
        .string()
        .max(1024)
        .optional()
        .meta({ description: 'For display only.', example: 'talk.mp4' }),
    }),
    body: {
      required: true,
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    },
  },
  responses: {
    201: { description: 'The file.', content: { 'application/json': { schema: File } } },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'unsupported_content_type',
      'empty_source',
      'storage_full',
      'storage_unavailable',
    ),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/files/{id}',
  operationId: 'getFile',
  summary: 'One file',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: { description: 'The file.', content: { 'application/json': { schema: File } } },
    ...problems('not_found', 'storage_unavailable'),
  },
});

const remove = createRoute({
  method: 'delete',
  path: '/v1/files/{id}',
  operationId: 'deleteFile',
  summary: 'Delete a file',
  description: 'Jobs that were started with it keep what they have read.',
  tags: ['Files'],
  request: { params: Params },
  responses: { 204: { description: 'It is gone.' }, ...problems('not_found', 'storage_unavailable') },
});

export function fileRoutes(app: Api, { store, maxUploadBytes, clock }: ApiDeps): void {
  app.openapi(create, async (c) => {
    // Only this kind of form: curl's --data-binary announces the other one.
    if (/^multipart\//i.test(c.req.header('Content-Type') ?? '')) {
      throw new FrameloomError(
        'unsupported_content_type',
        'Send the bytes of the file as the body, not a form.',
      );
    }
    const tooLarge = new FrameloomError(
      'payload_too_large',
      `A file may have at most ${maxUploadBytes} bytes.`,
    );
    if (Number(c.req.header('Content-Length') ?? 0) > maxUploadBytes) throw tooLarge;
    const body = await nonEmpty(c.req.raw.body);
    const file = await keepFile(store, c.get('tenant'), {
      id: newFileId(),
      filename: displayName(c.req.valid('query').filename),
      body,
      now: clock.now(),
      maxBytes: maxUploadBytes,
    }).catch((error: unknown) => {
      throw error instanceof StoreError && error.code === 'too_large' ? tooLarge : error;
    });
    c.header('Location', `/v1/files/${file.id}`);
    return c.json(file, 201);
  });

  app.openapi(get, async (c) => {
    return c.json(await findFile(store, c.get('tenant'), c.req.valid('param').id), 200);
  });

  app.openapi(remove, async (c) => {
    const { id } = await findFile(store, c.get('tenant'), c.req.valid('param').id);
    await store.delete(fileName(id));
    return c.body(null, 204);
  });
}

/** Stores bytes and the record that makes them a file of the tenant. Throws StoreError. */
export async function keepFile(
  store: ArtifactStore,
  tenant: string,
  file: {
    readonly id: FileId;
    readonly filename: string;
    readonly body: ArtifactBody;
    /** Milliseconds since 1970. */
    readonly now: number;
    readonly maxBytes?: number;
  },
): Promise<File> {
  const { id, filename, body, now, maxBytes } = file;
  const { bytes, sha256 } = await store.putByContent(
    SOURCE,
    body,
    maxBytes === undefined ? {} : { maxBytes },
  );
  const record: File = {
    id,
    object: 'file',
    filename,
    bytes,
    sha256,
    created_at: new Date(now).toISOString(),
  };
  const stored: StoredFile = { ...record, tenant };
  await store.put(fileName(id), new TextEncoder().encode(JSON.stringify(stored)));
  return record;
}

/** Throws `source_missing`, naming the first file of `source` that the tenant does not have. */
export async function requireFiles(
  store: ArtifactStore,
  tenant: string,
  source: SourceRequest,
): Promise<void> {
  for (const id of new Set(fileIdsOf(source))) {
    if (!(await readFile(store, tenant, id)))
      throw new FrameloomError('source_missing', `There is no file ${id}.`);
  }
}

/** The files a source is made of, with those that belong to it. */
function fileIdsOf(source: SourceRequest): readonly FileId[] {
  if (source.type === 'images') return source.file_ids ?? [];
  const parts = source.type === 'video' ? [source, source.subtitles, source.deck] : [source];
  return parts.flatMap((part) => part?.file_id ?? []);
}

async function findFile(store: ArtifactStore, tenant: string, id: FileId): Promise<File> {
  const file = await readFile(store, tenant, id);
  if (!file) throw new FrameloomError('not_found', 'There is no file with this id.');
  return file;
}

async function readFile(store: ArtifactStore, tenant: string, id: FileId): Promise<File | undefined> {
  if (!(await store.head(fileName(id)))) return undefined;
  const { tenant: owner, ...file } = (await readJson(store, fileName(id))) as StoredFile; // written above
  return owner === tenant ? file : undefined;
}

/** The chunks of `body`. Throws `empty_source` when there are no bytes, before anything is stored. */
async function nonEmpty(body: ReadableStream<Uint8Array> | null): Promise<AsyncIterable<Uint8Array>> {
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

/** The last part of what the client called it, without characters that could mislead a reader. */
function displayName(given: string | undefined): string {
  const last = (given ?? '').normalize('NFC').split(/[\\/]/).at(-1) ?? '';
  const shown = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '').trim();
  return [...shown].slice(0, 255).join('') || 'file';
}
