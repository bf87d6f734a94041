/** Direct uploads: the client sends the parts of a large file to the bucket, without the API in between. */
import { createRoute, z } from '@hono/zod-openapi';
import { UploadId } from '../../schema/ids.ts';
import { PartsRequest, SignedParts, Upload, UploadCreate } from '../../schema/upload.ts';
import { jsonBody, problems } from '../app/index.ts';

const Params = z.object({ id: UploadId.meta({ description: 'The ID of the upload.' }) });
const content = { 'application/json': { schema: Upload } };
const tags = ['Files'];

export const createUpload = createRoute({
  method: 'post',
  path: '/v1/uploads',
  operationId: 'createUpload',
  summary: 'Create a direct upload',
  description:
    'For large files, and for servers at an edge that accepts no large bodies. Request URLs for the parts, PUT the ' +
    'bytes of each part to its URL, in any order, then complete the upload. The server must store artifacts in a bucket.',
  tags,
  middleware: [jsonBody] as const,
  request: { body: { required: true, content: { 'application/json': { schema: UploadCreate } } } },
  responses: {
    201: { description: 'The upload, which is pending.', content },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'request_timeout',
      'unsupported_content_type',
      'not_supported',
      'storage_unavailable',
    ),
  },
});

export const getUpload = createRoute({
  method: 'get',
  path: '/v1/uploads/{id}',
  operationId: 'getUpload',
  summary: 'Retrieve a direct upload',
  description: 'Returns the upload with the numbers of the parts that were received.',
  tags,
  request: { params: Params },
  responses: {
    200: { description: 'The upload.', content },
    ...problems('not_found', 'storage_unavailable'),
  },
});

export const signUploadParts = createRoute({
  method: 'post',
  path: '/v1/uploads/{id}/parts',
  operationId: 'signUploadParts',
  summary: 'Create URLs for parts of an upload',
  description: 'Returns a URL for each part, to which the bytes of the part can be sent with PUT.',
  tags,
  middleware: [jsonBody] as const,
  request: {
    params: Params,
    body: { required: true, content: { 'application/json': { schema: PartsRequest } } },
  },
  responses: {
    200: { description: 'The URLs.', content: { 'application/json': { schema: SignedParts } } },
    ...problems(
      'invalid_request',
      'payload_too_large',
      'request_timeout',
      'unsupported_content_type',
      'not_found',
      'storage_unavailable',
    ),
  },
});

export const completeUpload = createRoute({
  method: 'post',
  path: '/v1/uploads/{id}/complete',
  operationId: 'completeUpload',
  summary: 'Complete a direct upload',
  description:
    'Joins the parts into a file. The server reads all bytes once for their hash, which takes some seconds per GB. ' +
    'It is safe to repeat the request.',
  tags,
  request: { params: Params },
  responses: {
    200: { description: 'The upload, which is completed, with its `file`.', content },
    ...problems('not_found', 'upload_incomplete', 'storage_full', 'storage_unavailable'),
  },
});

export const abortUpload = createRoute({
  method: 'delete',
  path: '/v1/uploads/{id}',
  operationId: 'abortUpload',
  summary: 'Abort a direct upload',
  description: 'Removes the parts of a pending upload. The file of a completed upload is not deleted.',
  tags,
  request: { params: Params },
  responses: {
    204: { description: 'The upload was removed.' },
    ...problems('not_found', 'storage_unavailable'),
  },
});
