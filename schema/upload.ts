/** Direct uploads: the client sends the parts of a file to the bucket, to URLs that the API signs. */
import { z } from 'zod';
import { ExpiresAfter, File, FilePurpose } from './file.ts';
import { type FileId, UploadId } from './ids.ts';

/** Maximum number of parts that S3 accepts. */
export const MAX_UPLOAD_PARTS = 10_000;
/** Maximum number of URLs in one response. */
export const MAX_SIGNED_PARTS = 100;
const MIB = 2 ** 20;
/** Minimum part size in bytes. R2 requires equal sizes except for the last part, S3 at least 5 MiB. */
const PART = 16 * MIB;

export const UploadCreate = z
  .strictObject({
    filename: z.string().max(1024).optional().describe('The name of the file, for display only.'),
    bytes: z.int().min(1).describe('Size of the file in bytes.'),
    purpose: FilePurpose.extract(['source', 'batch'])
      .default('source')
      .describe('The purpose of the file: `batch` for the input of a batch, `source` otherwise.'),
    expires_after: ExpiresAfter.optional(),
  })
  .meta({ id: 'UploadCreate' });
/** The body of `POST /v1/uploads` as clients send it. */
export type UploadCreateInput = z.input<typeof UploadCreate>;

export const Upload = z
  .object({
    id: UploadId,
    object: z.literal('upload'),
    status: z.enum(['pending', 'completed']),
    filename: z.string(),
    purpose: FilePurpose,
    bytes: z.int(),
    part_bytes: z.int().describe('Size of each part in bytes. The last part can be smaller.'),
    parts: z.int().describe('Number of parts. Parts are numbered from 1.'),
    received: z.array(z.int()).describe('Numbers of the parts that were received.'),
    created_at: z.int().describe('Time of creation, in Unix seconds.'),
    expires_at: z
      .int()
      .describe('Time at which the upload is removed if it is not completed, in Unix seconds.'),
    file: z.union([File, z.null()]).describe('The file. Null until the upload is completed.'),
  })
  .meta({ id: 'Upload' });
export type Upload = z.infer<typeof Upload>;

export const PartsRequest = z
  .strictObject({
    part_numbers: z.array(z.int().min(1).max(MAX_UPLOAD_PARTS)).min(1).max(MAX_SIGNED_PARTS),
  })
  .meta({ id: 'UploadPartsRequest' });

const SignedPart = z
  .object({
    part_number: z.int(),
    bytes: z.int().describe('The exact size of the part in bytes.'),
    url: z.url().describe('The URL to which to send the bytes with PUT. Do not send your API key to it.'),
  })
  .meta({ id: 'UploadPart' });

export const SignedParts = z
  .object({
    object: z.literal('list'),
    data: z.array(SignedPart),
    expires_at: z
      .int()
      .describe(
        'Time at which the URLs expire, in Unix seconds. Request new URLs for the remaining parts after this time.',
      ),
  })
  .meta({ id: 'UploadParts' });
export type SignedParts = z.infer<typeof SignedParts>;

/** The stored record of an upload. */
export interface StoredUpload {
  readonly id: UploadId;
  readonly tenant: string;
  readonly fileId: FileId;
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly bytes: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  /** Seconds from the completion until the file expires. */
  readonly expiresAfter?: number;
  readonly direct: { readonly key: string; readonly uploadId: string };
}

/** Lifetime of an upload in milliseconds, well below the age at which abandoned parts are deleted. */
const LIFETIME = 24 * 3_600_000;

export function uploadExpiry({ createdAt }: StoredUpload): number {
  return createdAt + LIFETIME;
}

/** Returns the part size and the number of parts for a file of `bytes` bytes. */
export function splitIntoParts(bytes: number): { readonly partBytes: number; readonly count: number } {
  const partBytes = Math.max(PART, Math.ceil(bytes / MAX_UPLOAD_PARTS / MIB) * MIB);
  return { partBytes, count: Math.ceil(bytes / partBytes) };
}

/** Returns the size of part `number` in bytes; undefined if there is no such part. */
export function partLength(bytes: number, number: number): number | undefined {
  const { partBytes, count } = splitIntoParts(bytes);
  if (number < 1 || number > count) return undefined;
  return number < count ? partBytes : bytes - (count - 1) * partBytes;
}
