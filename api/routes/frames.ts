/** The pictures of a job, and why each was taken. */
import { createRoute, z } from '@hono/zod-openapi';
import { FrameloomError } from '../../core/errors.ts';
import { JobId } from '../../schema/ids.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import { type Api, type ApiDeps, problems } from '../app/index.ts';
import { createFrameIndex, findJob, frameList } from '../jobs/index.ts';
import { JobParams } from './summaries.ts';

const manifest = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/frames',
  operationId: 'listFrames',
  summary: 'Which pictures were taken, and why',
  description:
    'One JSON object a line for every picture the sampler looked at. The pictures that were kept are numbered from 0, in order.',
  tags: ['Frames'],
  request: { params: JobParams },
  responses: {
    200: {
      description: 'The decisions of the sampler.',
      content: {
        'application/x-ndjson': {
          schema: z.string(),
          example: '{"time":0,"name":"frames/9f86d0…","kept":true,"reason":"first","difference":1}\n',
        },
      },
    },
    ...problems('not_found', 'not_ready', 'unavailable', 'storage_unavailable'),
  },
});

const picture = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/frames/{picture}',
  operationId: 'getFrame',
  summary: 'A picture',
  tags: ['Frames'],
  request: {
    params: z.object({
      id: JobId,
      picture: z
        .string()
        .regex(/^(0|[1-9]\d{0,6})\.jpg$/)
        .meta({ description: 'Number of a kept picture, from 0, and `.jpg`.', example: '3.jpg' }),
    }),
  },
  responses: {
    200: {
      description: 'The picture as the model saw it. It never changes.',
      content: { 'image/jpeg': { schema: z.string().meta({ format: 'binary' }) } },
    },
    304: { description: 'The client has it already.' },
    ...problems('not_found', 'not_ready', 'unavailable', 'storage_unavailable'),
  },
});

export function frameRoutes(app: Api, { orchestrator, store }: ApiDeps): void {
  const frameNames = createFrameIndex(store);

  /** Opens nothing for HEAD, whose body nobody would read to its end. */
  async function body(method: string, name: string): Promise<ReadableStream<Uint8Array> | null> {
    return method === 'HEAD' ? null : await store.read(name);
  }

  app.openapi(manifest, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const name = await frameList(store, record);
    const info = name === undefined ? undefined : await store.head(name);
    if (name === undefined || !info) throw noFrames(record);
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': String(info.bytes) };
    return new Response(await body(c.req.method, name), { headers }) as never; // the types take x-ndjson for a broken JSON type
  });

  app.openapi(picture, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const names = await frameNames(record);
    if (!names) throw noFrames(record);
    const name = names[Number.parseInt(c.req.valid('param').picture, 10)];
    const info = name === undefined ? undefined : await store.head(name);
    if (!info) throw new FrameloomError('not_found', 'The job has no picture with this number.');
    const etag = `"${info.sha256}"`;
    const headers = { ETag: etag, 'Cache-Control': 'private, max-age=31536000, immutable' };
    if (c.req.header('If-None-Match')?.includes(etag)) return new Response(null, { status: 304, headers });
    return new Response(await body(c.req.method, info.name), {
      headers: { ...headers, 'Content-Type': 'image/jpeg', 'Content-Length': String(info.bytes) },
    });
  });
}

function noFrames(record: JobRecord): FrameloomError {
  return isClosed(record)
    ? new FrameloomError('not_found', 'The job ended before it had taken its pictures.')
    : new FrameloomError('not_ready', 'The job has not taken its pictures yet.');
}
