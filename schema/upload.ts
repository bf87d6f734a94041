/** An upload past the API: the client sends the parts of a file straight to the bucket, to addresses that the API signs. */
import { z } from 'zod';
import { File, FilePurpose } from './file.ts';
import { type FileId, UploadId } from './ids.ts';

/** Most parts that S3 takes. */
export const MAX_UPLOAD_PARTS = 10_000;
/** Addresses of one answer. */
export const MAX_SIGNED_PARTS = 100;
const MIB = 2 ** 20;
/** Least size of a part. R2 wants all parts but the last of one size, and S3 none below 5 MiB. */
const PART = 16 * MIB;

export const UploadCreate = z
  .strictObject({
    filename: z.string().max(1024).optional().describe('For display only.'),
    bytes: z.int().min(1).describe('Length of the file.'),
    purpose: FilePurpose.extract(['source', 'batch']).default('source').describe('As of a file.'),
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
    part_bytes: z.int().describe('Length of every part but the last, which has what is left.'),
    parts: z.int().describe('Number of parts, which are counted from 1.'),
    received: z.array(z.int()).describe('Numbers of the parts that are there.'),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().describe('An upload that is not completed by then is removed.'),
    file: z.union([File, z.null()]).describe('The file, once the upload is completed.'),
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
    bytes: z.int().describe('The part must have exactly this length.'),
    url: z.url().describe('Where to PUT the bytes, without any header of the API.'),
  })
  .meta({ id: 'UploadPart' });

export const SignedParts = z
  .object({
    object: z.literal('list'),
    data: z.array(SignedPart),
    expires_at: z.iso
      .datetime()
      .describe('Until when the addresses are good; ask again for those left then.'),
  })
  .meta({ id: 'UploadParts' });
export type SignedParts = z.infer<typeof SignedParts>;

/** What stands in the store of an upload. */
export interface StoredUpload {
  readonly id: UploadId;
  readonly tenant: string;
  readonly fileId: FileId;
  readonly filename: string;
  readonly purpose: FilePurpose;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly direct: { readonly key: string; readonly uploadId: string };
}

/** How long an upload may take, in milliseconds: well below the age at which parts of killed writers are swept. */
const LIFETIME = 24 * 3_600_000;

export function uploadExpiry({ createdAt }: StoredUpload): number {
  return createdAt + LIFETIME;
}

/** How a file of so many bytes is cut. */
export function splitIntoParts(bytes: number): { readonly partBytes: number; readonly count: number } {
  const partBytes = Math.max(PART, Math.ceil(bytes / MAX_UPLOAD_PARTS / MIB) * MIB);
  return { partBytes, count: Math.ceil(bytes / partBytes) };
}

/** The length of part `number`; undefined where there is no such part. */
export function partLength(bytes: number, number: number): number | undefined {
  const { partBytes, count } = splitIntoParts(bytes);
  if (number < 1 || number > count) return undefined;
  return number < count ? partBytes : bytes - (count - 1) * partBytes;
}
