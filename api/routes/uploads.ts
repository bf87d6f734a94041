/** Uploads past the API, for files larger than what it may be sent: the client puts parts straight into the bucket. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';
import { FileId, newFileId, newUploadId, UploadId } from '../../schema/ids.ts';
import {
  expiryOf,
  lengthOfPart,
  PartsRequest,
  partsOf,
  SignedParts,
  type StoredUpload,
  Upload,
  UploadCreate,
} from '../../schema/upload.ts';
import { type DirectUploads, StoreError } from '../../store/artifact-store.ts';
import { SOURCE, uploadName } from '../../store/names.ts';
import { type Api, type ApiDeps, jsonLimit, problems } from '../app/index.ts';
import { displayName, keepRecord, readFile } from '../files/index.ts';
import { readJson } from '../jobs/index.ts';

/** How long the address of a part is good, in seconds. */
const SIGNED_FOR = 3600;

const Params = z.object({ id: UploadId.meta({ description: 'Id of the upload.' }) });
const content = { 'application/json': { schema: Upload } };
const tags = ['Files'];

const create = createRoute({
  method: 'post',
  path: '/v1/uploads',
  operationId: 'createUpload',
  summary: 'Begin an upload past the API',
  description:
    'For large files, and where the API stands at an edge that takes no large bodies. Ask for addresses of parts, PUT the bytes to ' +
    'them in any order and as often as needed, then complete the upload. Needs artifacts in a bucket.',
  tags,
  middleware: [jsonLimit] as const,
  request: { body: { required: true, content: { 'application/json': { schema: UploadCreate } } } },
  responses: {
    201: { description: 'The upload, which is pending.', content },
    ...problems('invalid_request', 'payload_too_large', 'not_supported', 'storage_unavailable'),
  },
});

const get = createRoute({
  method: 'get',
  path: '/v1/uploads/{id}',
  operationId: 'getUpload',
  summary: 'One upload, with the parts that are there',
  tags,
  request: { params: Params },
  responses: {
    200: { description: 'The upload.', content },
    ...problems('not_found', 'storage_unavailable'),
  },
});

const sign = createRoute({
  method: 'post',
  path: '/v1/uploads/{id}/parts',
  operationId: 'signUploadParts',
  summary: 'Addresses for parts',
  tags,
  middleware: [jsonLimit] as const,
  request: {
    params: Params,
    body: { required: true, content: { 'application/json': { schema: PartsRequest } } },
  },
  responses: {
    200: { description: 'The addresses.', content: { 'application/json': { schema: SignedParts } } },
    ...problems('invalid_request', 'payload_too_large', 'not_found', 'storage_unavailable'),
  },
});

const complete = createRoute({
  method: 'post',
  path: '/v1/uploads/{id}/complete',
  operationId: 'completeUpload',
  summary: 'Make the parts a file',
  description:
    'All bytes are read back once for their hash, which takes some seconds for each GB. Asking again after a broken connection ' +
    'goes on, or answers with the file that is there already.',
  tags,
  request: { params: Params },
  responses: {
    200: { description: 'The upload, which is completed, with its `file`.', content },
    ...problems('not_found', 'upload_incomplete', 'storage_full', 'storage_unavailable'),
  },
});

const abort = createRoute({
  method: 'delete',
  path: '/v1/uploads/{id}',
  operationId: 'abortUpload',
  summary: 'Take an upload back',
  description: 'Removes the parts of a pending upload. The file of a completed one stays.',
  tags,
  request: { params: Params },
  responses: { 204: { description: 'It is gone.' }, ...problems('not_found', 'storage_unavailable') },
});

export function uploadRoutes(app: Api, { store, maxUploadBytes, clock }: ApiDeps): void {
  function direct(): DirectUploads {
    if (store.direct) return store.direct;
    throw new FrameloomError(
      'not_supported',
      'Artifacts are in a folder here, to which no client can send parts.',
    );
  }

  /** Throws `not_found`, for uploads of other tenants and those that have expired as well. */
  async function find(tenant: string, id: UploadId): Promise<StoredUpload> {
    const name = uploadName(id);
    if (await store.head(name)) {
      const found = (await readJson(store, name)) as StoredUpload; // written below
      if (found.tenant === tenant && clock.now() < expiryOf(found)) return found;
    }
    throw new FrameloomError('not_found', 'There is no upload with this id.');
  }

  async function view(upload: StoredUpload): Promise<Upload> {
    const { id, filename, purpose, bytes, createdAt } = upload;
    const { partBytes, count } = partsOf(bytes);
    const file = (await readFile(store, upload.tenant, upload.fileId)) ?? null;
    const received = file
      ? Array.from({ length: count }, (_, index) => index + 1)
      : (await partsThere(upload)).map(({ number }) => number);
    return {
      id,
      object: 'upload',
      status: file ? 'completed' : 'pending',
      ...{ filename, purpose, bytes, part_bytes: partBytes, parts: count, received },
      created_at: new Date(createdAt).toISOString(),
      expires_at: new Date(expiryOf(upload)).toISOString(),
      file,
    };
  }

  /** None where all of them were joined already. */
  async function partsThere(upload: StoredUpload): ReturnType<DirectUploads['parts']> {
    try {
      return await direct().parts(upload.direct);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not_found') return [];
      throw error;
    }
  }

  app.openapi(create, async (c) => {
    const { filename, bytes, purpose } = c.req.valid('json');
    if (bytes > maxUploadBytes) {
      throw new FrameloomError('payload_too_large', `A file may have at most ${maxUploadBytes} bytes.`);
    }
    const upload: StoredUpload = {
      id: newUploadId(),
      tenant: c.get('tenant'),
      fileId: newFileId(),
      filename: displayName(filename),
      ...{ purpose, bytes, createdAt: clock.now() },
      direct: await direct().begin(),
    };
    await store.put(uploadName(upload.id), new TextEncoder().encode(JSON.stringify(upload)));
    c.header('Location', `/v1/uploads/${upload.id}`);
    return c.json(await view(upload), 201);
  });

  app.openapi(get, async (c) =>
    c.json(await view(await find(c.get('tenant'), c.req.valid('param').id)), 200),
  );

  app.openapi(sign, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    const numbers = [...new Set(c.req.valid('json').part_numbers)];
    const expires = Math.min(clock.now() + SIGNED_FOR * 1000, expiryOf(upload));
    const seconds = Math.max(1, Math.floor((expires - clock.now()) / 1000));
    const data = await Promise.all(
      numbers.map(async (number) => {
        const bytes = lengthOfPart(upload.bytes, number);
        if (bytes === undefined) {
          throw new FrameloomError('invalid_request', `part_numbers: the upload has no part ${number}.`);
        }
        const url = await direct().signPart(upload.direct, { number, bytes }, seconds);
        return { part_number: number, bytes, url };
      }),
    );
    return c.json({ object: 'list' as const, data, expires_at: new Date(expires).toISOString() }, 200);
  });

  app.openapi(complete, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    const { tenant, fileId, filename, purpose, bytes } = upload;
    if (!(await readFile(store, tenant, fileId))) {
      requireParts(bytes, await direct().parts(upload.direct).catch(joinedAlready));
      const kept = await direct().finish(upload.direct, SOURCE).catch(goneWith(upload));
      const file = { id: FileId.parse(fileId), filename, purpose, now: clock.now() };
      await keepRecord(store, tenant, kept, file);
    }
    return c.json(await view(upload), 200);
  });

  app.openapi(abort, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    await direct().abort(upload.direct);
    await store.delete(uploadName(upload.id));
    return c.body(null, 204);
  });
}

/** Throws `upload_incomplete`, naming the first part that is missing. Undefined parts were joined by a try before this one. */
function requireParts(bytes: number, parts: Awaited<ReturnType<DirectUploads['parts']>> | undefined): void {
  if (!parts) return;
  const lengths = new Map(parts.map((part) => [part.number, part.bytes]));
  const { count } = partsOf(bytes);
  for (let number = 1; number <= count; number += 1) {
    if (lengths.get(number) === lengthOfPart(bytes, number)) continue;
    throw new FrameloomError('upload_incomplete', `Part ${number} of ${count} is not there.`);
  }
}

function joinedAlready(error: unknown): undefined {
  if (error instanceof StoreError && error.code === 'not_found') return undefined;
  throw error;
}

/** What was taken back while it was completed. */
function goneWith({ id }: StoredUpload): (error: unknown) => never {
  return (error) => {
    if (error instanceof StoreError && error.code === 'not_found') {
      throw new FrameloomError('not_found', `Nothing is left of the upload ${id}.`, { cause: error });
    }
    throw error;
  };
}
