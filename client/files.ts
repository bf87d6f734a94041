import type { DeletedFile, File } from '../schema/file.ts';
import type { SignedParts, Upload, UploadCreateInput } from '../schema/upload.ts';
import { responseError, unreachableError } from './api-error.ts';
import type { CallOptions, Transport } from './transport.ts';
import { sendBody, type UploadBody } from './upload-body.ts';

export interface UploadFileOptions extends CallOptions {
  /** What the file is for. The default is `source`. */
  readonly purpose?: 'source' | 'batch' | undefined;
  /** Seconds until the file expires. The default is the lifetime of unused files of the server. */
  readonly expiresAfter?: number | undefined;
  /** Called repeatedly with the number of bytes sent so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export interface FilePage {
  readonly data: readonly File[];
  /** Pass it as `after` to get the next page; null on an empty page. */
  readonly last_id: string | null;
  readonly has_more: boolean;
}

export interface ListFilesOptions extends CallOptions {
  /** Only files with this purpose. */
  readonly purpose?: 'source' | 'batch' | 'batch_output' | 'user_data' | 'vision' | undefined;
  /** The `last_id` of the previous page. */
  readonly after?: string | undefined;
  /** The maximum number of files. The default is 100; a page has at most 1000. */
  readonly limit?: number | undefined;
  /** By time of creation. The default is `desc`. */
  readonly order?: 'asc' | 'desc' | undefined;
}

export interface FileMethods {
  /** Uploads a file. The body is streamed, so it may be larger than the memory. */
  uploadFile(body: UploadBody, filename: string, options?: UploadFileOptions): Promise<File>;
  /** Returns a page of files, newest first. */
  listFiles(options?: ListFilesOptions): Promise<FilePage>;
  /** Returns the name, purpose, size and hash of a file. */
  getFile(id: string, options?: CallOptions): Promise<File>;
  /** Returns the bytes of a file as a stream. */
  getFileContent(id: string, options?: CallOptions): Promise<ReadableStream<Uint8Array>>;
  /** Deletes a file. Jobs that have already read it are not affected. */
  deleteFile(id: string, options?: CallOptions): Promise<DeletedFile>;
  /** Creates a direct upload: the parts of a large file are sent to the bucket, without the API in between. */
  createUpload(request: UploadCreateInput, options?: CallOptions): Promise<Upload>;
  /** Returns a direct upload with the numbers of the parts that were received. */
  getUpload(id: string, options?: CallOptions): Promise<Upload>;
  /** Returns the URL for each part, to which its bytes can be sent with PUT. */
  signUploadParts(
    id: string,
    request: { readonly part_numbers: number[] },
    options?: CallOptions,
  ): Promise<SignedParts>;
  /** Joins the parts into the `file` of the upload. It is safe to repeat. */
  completeUpload(id: string, options?: CallOptions): Promise<Upload>;
  /** Removes the parts of a pending upload. The file of a completed upload is not deleted. */
  abortUpload(id: string, options?: CallOptions): Promise<void>;
}

export function fileMethods({
  address,
  fetch,
  headers,
  json,
  jsonById,
  streamById,
  deleteById,
}: Transport): FileMethods {
  return {
    async uploadFile(body, filename, { signal, purpose, expiresAfter, onProgress } = {}) {
      const query = { filename, purpose, 'expires_after[seconds]': expiresAfter };
      const url = address('POST /v1/files', { query });
      const response = await sendBody(body, { url, headers, fetch, onProgress, signal });
      if (!response) throw unreachableError();
      if (!response.ok) throw await responseError(response);
      return (await response.json()) as File; // as documented
    },

    listFiles: ({ signal, ...query } = {}) => json('GET /v1/files', { query, signal }),

    getFile: jsonById('GET /v1/files/{id}'),

    getFileContent: streamById('GET /v1/files/{id}/content'),

    deleteFile: jsonById('DELETE /v1/files/{id}'),

    createUpload: (body, options) => json('POST /v1/uploads', { body, ...options }),

    getUpload: jsonById('GET /v1/uploads/{id}'),

    signUploadParts: (id, body, options) =>
      json('POST /v1/uploads/{id}/parts', { params: { id }, body, ...options }),

    completeUpload: jsonById('POST /v1/uploads/{id}/complete'),

    abortUpload: deleteById('DELETE /v1/uploads/{id}'),
  };
}
