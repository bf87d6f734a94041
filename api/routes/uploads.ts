/** Direct uploads: the client sends the parts of a large file to the bucket, without the API in between. */
import { FrameloomError } from '../../core/errors.ts';
import { FileId, newFileId, newUploadId, type UploadId } from '../../schema/ids.ts';
import {
  partLength,
  type StoredUpload,
  splitIntoParts,
  type Upload,
  uploadExpiry,
} from '../../schema/upload.ts';
import { type DirectUploads, StoreError } from '../../store/artifact-store.ts';
import { SOURCES, uploadName } from '../../store/names.ts';
import { scopeOf } from '../../store/tenant-view.ts';
import { holdingView } from '../../store/uses.ts';
import type { Api, ApiDeps } from '../app/index.ts';
import { displayName, readFile, storeFileRecord } from '../files/index.ts';
import { readJson } from '../jobs/index.ts';
import * as operations from '../operations/index.ts';

/** How long the signed URL of a part is valid, in seconds. */
const SIGNED_URL_LIFETIME_S = 3600;

/**
 * Registers the routes. One long function, because its handlers are short and share the lookup of an upload.
 */
export function uploadRoutes(app: Api, { store, maxUploadBytes, clock }: ApiDeps): void {
  function direct(): DirectUploads {
    if (store.direct) return store.direct;
    throw new FrameloomError(
      'not_supported',
      'This server stores artifacts in a folder, so direct uploads are not available.',
    );
  }

  /** @throws FrameloomError `not_found`, also for expired uploads and uploads of other tenants */
  async function find(tenant: string, id: UploadId): Promise<StoredUpload> {
    const name = uploadName(id);
    if (await store.head(name)) {
      const found = (await readJson(store, name)) as StoredUpload; // written below
      if (found.tenant === tenant && clock.now() < uploadExpiry(found)) return found;
    }
    throw new FrameloomError('not_found', 'No such upload.');
  }

  async function view(upload: StoredUpload): Promise<Upload> {
    const { id, filename, purpose, bytes, createdAt } = upload;
    const { partBytes, count } = splitIntoParts(bytes);
    const file = (await readFile(store, upload.tenant, upload.fileId)) ?? null;
    const received = file
      ? Array.from({ length: count }, (_, index) => index + 1)
      : (await receivedParts(upload)).map(({ number }) => number);
    return {
      id,
      object: 'upload',
      status: file ? 'completed' : 'pending',
      ...{ filename, purpose, bytes, part_bytes: partBytes, parts: count, received },
      created_at: Math.floor(createdAt / 1000),
      expires_at: Math.floor(uploadExpiry(upload) / 1000),
      file,
    };
  }

  /** Empty if the parts were already joined. */
  async function receivedParts(upload: StoredUpload): ReturnType<DirectUploads['parts']> {
    try {
      return await direct().parts(upload.direct);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'not_found') return [];
      throw error;
    }
  }

  app.openapi(operations.createUpload, async (c) => {
    const { filename, bytes, purpose, expires_after: expiry } = c.req.valid('json');
    if (bytes > maxUploadBytes) {
      throw new FrameloomError('payload_too_large', `A file may have at most ${maxUploadBytes} bytes.`);
    }
    const upload: StoredUpload = {
      id: newUploadId(),
      tenant: c.get('tenant'),
      fileId: newFileId(),
      filename: displayName(filename),
      ...{ purpose, bytes, createdAt: clock.now(), ...(expiry ? { expiresAfter: expiry.seconds } : {}) },
      direct: await direct().begin(),
    };
    await store.put(uploadName(upload.id), new TextEncoder().encode(JSON.stringify(upload)));
    c.header('Location', `/v1/uploads/${upload.id}`);
    return c.json(await view(upload), 201);
  });

  app.openapi(operations.getUpload, async (c) =>
    c.json(await view(await find(c.get('tenant'), c.req.valid('param').id)), 200),
  );

  app.openapi(operations.signUploadParts, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    const numbers = [...new Set(c.req.valid('json').part_numbers)];
    const expires = Math.min(clock.now() + SIGNED_URL_LIFETIME_S * 1000, uploadExpiry(upload));
    const seconds = Math.max(1, Math.floor((expires - clock.now()) / 1000));
    const data = await Promise.all(
      numbers.map(async (number) => {
        const bytes = partLength(upload.bytes, number);
        if (bytes === undefined) {
          throw new FrameloomError('invalid_request', `part_numbers: the upload has no part ${number}.`);
        }
        const url = await direct().signPart(upload.direct, { number, bytes }, seconds);
        return { part_number: number, bytes, url };
      }),
    );
    return c.json({ object: 'list' as const, data, expires_at: Math.floor(expires / 1000) }, 200);
  });

  app.openapi(operations.completeUpload, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    const { tenant, fileId, filename, purpose, bytes, expiresAfter } = upload;
    if (!(await readFile(store, tenant, fileId))) {
      requireParts(bytes, await direct().parts(upload.direct).catch(undefinedIfJoined));
      const own = holdingView(store, scopeOf(store, tenant), fileId).direct ?? direct();
      const kept = await own.finish(upload.direct, SOURCES).catch(uploadGone(upload));
      const file = { id: FileId.parse(fileId), filename, purpose, expiresAfter, now: clock.now() };
      await storeFileRecord(store, tenant, kept, file);
    }
    return c.json(await view(upload), 200);
  });

  app.openapi(operations.abortUpload, async (c) => {
    const upload = await find(c.get('tenant'), c.req.valid('param').id);
    await direct().abort(upload.direct);
    await store.delete(uploadName(upload.id));
    return c.body(null, 204);
  });
}

/**
 * @throws FrameloomError `upload_incomplete` with the first missing part. Undefined `parts` were joined
 * before.
 */
function requireParts(bytes: number, parts: Awaited<ReturnType<DirectUploads['parts']>> | undefined): void {
  if (!parts) return;
  const lengths = new Map(parts.map((part) => [part.number, part.bytes]));
  const { count } = splitIntoParts(bytes);
  for (let number = 1; number <= count; number += 1) {
    if (lengths.get(number) === partLength(bytes, number)) continue;
    throw new FrameloomError('upload_incomplete', `Part ${number} of ${count} is missing.`);
  }
}

function undefinedIfJoined(error: unknown): undefined {
  if (error instanceof StoreError && error.code === 'not_found') return undefined;
  throw error;
}

/** The upload was aborted while it was being completed. */
function uploadGone({ id }: StoredUpload): (error: unknown) => never {
  return (error) => {
    if (error instanceof StoreError && error.code === 'not_found') {
      throw new FrameloomError('not_found', `No such upload: ${id}.`, { cause: error });
    }
    throw error;
  };
}
