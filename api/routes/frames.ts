/** The frames of a job, and why each was selected. */
import { FrameloomError } from '../../core/errors.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { blobView, scopeOf } from '../../store/tenant-view.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import type { Api, ApiDeps } from '../app/index.ts';
import { createFrameIndex, findJob, frameList } from '../jobs/index.ts';
import * as operations from '../operations/index.ts';

export function frameRoutes(app: Api, { orchestrator, store }: ApiDeps): void {
  const frameNames = createFrameIndex(store);

  /** The content of an artifact, or null for HEAD. */
  async function body(
    from: BlobStore,
    method: string,
    name: string,
  ): Promise<ReadableStream<Uint8Array> | null> {
    return method === 'HEAD' ? null : await from.read(name);
  }

  app.openapi(operations.listFrames, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const name = await frameList(store, record);
    const info = name === undefined ? undefined : await store.head(name);
    if (name === undefined || !info) throw noFrames(record);
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': String(info.bytes) };
    // The types treat x-ndjson as JSON.
    return new Response(await body(store, c.req.method, name), { headers }) as never;
  });

  app.openapi(operations.getFrame, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const names = await frameNames(record);
    if (!names) throw noFrames(record);
    const name = names[Number.parseInt(c.req.valid('param').image, 10)];
    const own = blobView(store, scopeOf(store, c.get('tenant')));
    const info = name === undefined ? undefined : await own.head(name);
    if (!info) throw new FrameloomError('not_found', 'No such frame.');
    const etag = `"${info.sha256}"`;
    const headers = { ETag: etag, 'Cache-Control': 'private, max-age=31536000, immutable' };
    if (c.req.header('If-None-Match')?.includes(etag)) return new Response(null, { status: 304, headers });
    return new Response(await body(own, c.req.method, info.name), {
      headers: { ...headers, 'Content-Type': 'image/jpeg', 'Content-Length': String(info.bytes) },
    });
  });
}

function noFrames(record: JobRecord): FrameloomError {
  return isClosed(record)
    ? new FrameloomError('not_found', 'The job ended before its frames were extracted.')
    : new FrameloomError('not_ready', 'The frames of the job are not extracted yet.');
}
