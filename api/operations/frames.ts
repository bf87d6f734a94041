/** The frames of a job, and why each was selected. */
import { createRoute, z } from '@hono/zod-openapi';
import { JobId } from '../../schema/ids.ts';
import { problems } from '../app/index.ts';
import { JobParams } from './summaries.ts';

export const listFrames = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/frames',
  operationId: 'listFrames',
  summary: 'List the frames of a summary',
  description:
    'Returns one JSON object per line for every frame the sampler considered, with the reason it was kept or dropped. ' +
    'Kept frames are numbered from 0 in this order.',
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

export const getFrame = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/frames/{image}',
  operationId: 'getFrame',
  summary: 'Retrieve the image of a frame',
  description: 'Returns the frame as the model received it. The image never changes, so it can be cached.',
  tags: ['Frames'],
  request: {
    params: z.object({
      id: JobId.meta({ description: 'The ID of the job.' }),
      image: z
        .string()
        .regex(/^(0|[1-9]\d{0,6})\.jpg$/)
        .meta({ description: 'The number of a kept frame, from 0, and `.jpg`.', example: '3.jpg' }),
    }),
  },
  responses: {
    200: {
      description: 'The image.',
      content: { 'image/jpeg': { schema: z.string().meta({ format: 'binary' }) } },
    },
    304: { description: 'The image has not changed.' },
    ...problems('not_found', 'not_ready', 'unavailable', 'storage_unavailable'),
  },
});
