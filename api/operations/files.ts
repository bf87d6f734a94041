/** Files: upload, read and delete sources and the input and output of batches. */
import { createRoute, z } from '@hono/zod-openapi';
import { DeletedFile, File, FileList } from '../../schema/file.ts';
import { FileId } from '../../schema/ids.ts';
import { integerParam, problems } from '../app/index.ts';

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
      'expires_after[anchor]': z
        .literal('created_at')
        .optional()
        .meta({ description: 'What the expiry counts from.' }),
      'expires_after[seconds]': integerParam(
        3600,
        2_592_000,
        'Seconds until the file expires. The default is the lifetime of unused files of the server.',
      ).optional(),
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

/** The largest number of files in one page. */
export const MAX_LISTED_FILES = 1000;

export const listFiles = createRoute({
  method: 'get',
  path: '/v1/files',
  operationId: 'listFiles',
  summary: 'List files',
  description:
    `Returns the files of this API key, newest first. A page has at most ${MAX_LISTED_FILES} files, whatever the limit. ` +
    'A page may start after a file that was deleted in the meantime.',
  tags: ['Files'],
  request: {
    query: z.object({
      purpose: z
        .enum(['source', 'batch', 'batch_output', 'user_data', 'vision'])
        .optional()
        .meta({ description: 'Only files with this purpose. `user_data` and `vision` are `source`.' }),
      after: FileId.optional().meta({ description: 'The `last_id` of the previous page.' }),
      limit: integerParam(1, 10_000, 'The maximum number of files per page. The default is 100.').optional(),
      order: z
        .enum(['asc', 'desc'])
        .optional()
        .meta({ description: 'By time of creation. The default is `desc`.' }),
    }),
  },
  responses: {
    200: { description: 'A page of files.', content: { 'application/json': { schema: FileList } } },
    ...problems('invalid_request', 'storage_unavailable'),
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
  description:
    'Supports `Range` with one range, `If-Range` and `If-None-Match`. A request for several ranges gets the whole content.',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: {
      description: 'The bytes of the file.',
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
    },
    206: {
      description: 'The bytes of the range.',
      content: { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } },
    },
    304: { description: 'The content has not changed.' },
    ...problems('not_found', 'range_not_satisfiable', 'storage_unavailable'),
  },
});

export const deleteFile = createRoute({
  method: 'delete',
  path: '/v1/files/{id}',
  operationId: 'deleteFile',
  summary: 'Delete a file',
  description:
    'Deletes the file. Its content stays as long as a job that has read it, or another file of yours with the same bytes.',
  tags: ['Files'],
  request: { params: Params },
  responses: {
    200: { description: 'The file was deleted.', content: { 'application/json': { schema: DeletedFile } } },
    ...problems('not_found', 'storage_unavailable'),
  },
});
