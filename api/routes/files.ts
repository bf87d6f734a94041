/** Uploaded files: names for bytes that jobs can refer to. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';
import { File, type FilePurpose } from '../../schema/file.ts';
import { FileId, newFileId } from '../../schema/ids.ts';
import { type BlobStore, StoreError } from '../../store/artifact-store.ts';
import { fileName, SOURCE } from '../../store/names.ts';
import { type Api, type ApiDeps, problems } from '../app/index.ts';
import {
  displayName,
  type FormPart,
  findFile,
  formBoundary,
  formParts,
  keepFile,
  keepRecord,
} from '../files/index.ts';

/** What a file is uploaded for. */
const UploadPurpose = z
  .enum(['source', 'batch'])
  .meta({ description: '`batch` for the JSON lines of a batch; otherwise `source`.' });

/** What OpenAI calls files that a model is to look at. */
const SOURCE_PURPOSES = new Set(['source', 'user_data', 'vision']);
/** Longest value of a member of a form that is no file, in bytes. */
const MAX_FIELD = 1024;

const Params = z.object({ id: FileId.meta({ description: 'Id of the file.' }) });

const create = createRoute({
  method: 'post',
  path: '/v1/files',
  operationId: 'createFile',
  summary: 'Upload a file',
  description:
    'The body is the bytes of the file, of any content type, or a multipart form with `file` and `purpose`, as the clients of OpenAI ' +
    'send it. It is streamed and never held in memory.',
  tags: ['Files'],
  request: {
    query: z.object({
      filename: z
        .string()
        .max(1024)
        .optional()
        .meta({ description: 'For display only.', example: 'talk.mp4' }),
      purpose: UploadPurpose.optional(),
    }),
    body: {
      required: true,
      content: {
        'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        'multipart/form-data': {
          schema: {
            type: 'object',
            properties: { file: { type: 'string', format: 'binary' }, purpose: { type: 'string' } },
            required: ['file'],
          },
        },
      },
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

const content = createRoute({
  method: 'get',
  path: '/v1/files/{id}/content',
  operationId: 'getFileContent',
  summary: 'The bytes of a file',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: {
      description: 'The bytes.',
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
    },
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
    const type = c.req.header('Content-Type');
    const boundary = formBoundary(type);
    // Only this kind of form: curl's --data-binary announces the other one.
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
    const { filename, purpose } = c.req.valid('query');
    const common = { id: newFileId(), now: clock.now(), maxBytes: maxUploadBytes };
    const keep = async (): Promise<File> => {
      if (boundary !== undefined && c.req.raw.body)
        return await keepForm(store, c.get('tenant'), formParts(c.req.raw.body, boundary), common);
      const body = await nonEmpty(c.req.raw.body);
      const given = { filename: displayName(filename), purpose: purpose ?? ('source' as const) };
      return await keepFile(store, c.get('tenant'), { ...common, ...given, body });
    };
    const file = await keep().catch((error: unknown) => {
      throw error instanceof StoreError && error.code === 'too_large' ? tooLarge : error;
    });
    c.header('Location', `/v1/files/${file.id}`);
    return c.json(file, 201);
  });

  app.openapi(get, async (c) => {
    return c.json(await findFile(store, c.get('tenant'), c.req.valid('param').id), 200);
  });

  app.openapi(content, async (c) => {
    const file = await findFile(store, c.get('tenant'), c.req.valid('param').id);
    const name = `${SOURCE}/${file.sha256}`;
    const body = c.req.method === 'HEAD' ? null : await store.read(name);
    return new Response(body, {
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(file.bytes),
        'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`,
      },
    });
  });

  app.openapi(remove, async (c) => {
    const { id } = await findFile(store, c.get('tenant'), c.req.valid('param').id);
    await store.delete(fileName(id));
    return c.body(null, 204);
  });
}

/** Stores the file of a form. Its purpose may come after it, so that the record is written last. */
async function keepForm(
  store: BlobStore,
  tenant: string,
  parts: AsyncIterable<FormPart>,
  common: { readonly id: FileId; readonly now: number; readonly maxBytes: number },
): Promise<File> {
  let kept: { readonly bytes: number; readonly sha256: string } | undefined;
  let filename: string | undefined;
  let purpose: FilePurpose = 'source';
  for await (const part of parts) {
    if (part.name === 'file' && !kept) {
      filename = part.filename;
      kept = await store.putByContent(SOURCE, await nonEmpty(part.body), { maxBytes: common.maxBytes });
    } else if (part.name === 'purpose') {
      const given = await fieldText(part.body);
      if (given !== 'batch' && !SOURCE_PURPOSES.has(given))
        throw new FrameloomError('invalid_request', 'purpose: must be source or batch.');
      purpose = given === 'batch' ? 'batch' : 'source';
    }
  }
  if (!kept) throw new FrameloomError('invalid_request', 'The form has no `file`.');
  return await keepRecord(store, tenant, kept, { ...common, purpose, filename: displayName(filename) });
}

async function fieldText(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_FIELD)
      throw new FrameloomError('invalid_request', 'A field of the form is too long.');
  }
  return text + decoder.decode();
}

/** The chunks of `body`. Throws `empty_source` when there are no bytes, before anything is stored. */
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
