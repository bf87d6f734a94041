/** Files: upload, read and delete sources and the input and output of batches. */
import { createRoute, z } from '@hono/zod-openapi';
import { File } from '../../schema/file.ts';
import { FileId } from '../../schema/ids.ts';
import { problems } from '../app/index.ts';

const UploadPurpose = z.enum(['source', 'batch']).meta({
  description: 'What the file is for: `batch` for the input of a batch, `source` (the default) otherwise.',
});

const Params = z.object({ id: FileId.meta({ description: 'The ID of the file.' }) });

export const createFile = createRoute({
  method: 'post',
  path: '/v1/files',
  operationId: 'createFile',
  summary: 'Upload a file',
  description:
    'The body is either the bytes of the file, of any content type, or a multipart form with `file` and `purpose`, ' +
    'as clients of OpenAI send it.',
  tags: ['Files'],
  request: {
    query: z.object({
      filename: z
        .string()
        .max(1024)
        .optional()
        .meta({ description: 'The name to display.', example: 'talk.mp4' }),
      purpose: UploadPurpose.optional(),
    }),
    body: {
      required: true,
      content: {
        'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        'multipart/form-data': {
          schema: { $ref: '#/components/schemas/FileForm' }, // registered in docs/openapi.ts
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

export const getFile = createRoute({
  method: 'get',
  path: '/v1/files/{id}',
  operationId: 'getFile',
  summary: 'Retrieve a file',
  description: 'Returns the name, purpose, size and hash of a file.',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: { description: 'The file.', content: { 'application/json': { schema: File } } },
    ...problems('not_found', 'storage_unavailable'),
  },
});

export const getFileContent = createRoute({
  method: 'get',
  path: '/v1/files/{id}/content',
  operationId: 'getFileContent',
  summary: 'Download the content of a file',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: {
      description: 'The bytes of the file.',
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
    },
    ...problems('not_found', 'storage_unavailable'),
  },
});

export const deleteFile = createRoute({
  method: 'delete',
  path: '/v1/files/{id}',
  operationId: 'deleteFile',
  summary: 'Delete a file',
  description: 'Jobs that have already read the file are not affected.',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    204: { description: 'The file was deleted.' },
    ...problems('not_found', 'storage_unavailable'),
  },
});
