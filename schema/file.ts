/**
 * Files (`POST /v1/files`). The bytes of a file are an artifact named by their hash; the file refers to it.
 */
import { z } from 'zod';
import { FileId, Sha256 } from './ids.ts';

/** Files with purpose `batch_output` are created by the server; all others are uploaded. */
export const FilePurpose = z.enum(['source', 'batch', 'batch_output']);
export type FilePurpose = z.infer<typeof FilePurpose>;

/** The shortest and the longest time after which a file can expire, in seconds: OpenAI's limits. */
const MIN_EXPIRY_S = 3600;
const MAX_EXPIRY_S = 30 * 86_400;

export const ExpiresAfter = z
  .strictObject({
    anchor: z.literal('created_at'),
    seconds: z
      .int()
      .min(MIN_EXPIRY_S)
      .max(MAX_EXPIRY_S)
      .describe('Seconds from the creation of the file until it expires.'),
  })
  .meta({
    id: 'ExpiresAfter',
    description: 'When a file expires; of a batch, when its output and error files expire.',
  });

export const File = z
  .object({
    id: FileId,
    object: z.literal('file'),
    filename: z.string(),
    purpose: FilePurpose,
    bytes: z.int().describe('Size of the file in bytes.'),
    sha256: Sha256,
    created_at: z.int().describe('Time of creation, in Unix seconds.'),
    expires_at: z
      .int()
      .optional()
      .describe(
        'Time at which the file expires, in Unix seconds. Absent if it expires only when it is unused.',
      ),
    status: z.literal('processed').describe('Always `processed`: a file can be used as soon as it exists.'),
  })
  .meta({ id: 'File' });
export type File = z.infer<typeof File>;

export const FileList = z
  .object({
    object: z.literal('list'),
    data: z.array(File),
    first_id: z.string().nullable(),
    last_id: z.string().nullable().describe('`after` of the next page.'),
    has_more: z.boolean().describe('Whether there is another page.'),
  })
  .meta({ id: 'FileList' });

export const DeletedFile = z
  .object({ id: FileId, object: z.literal('file'), deleted: z.literal(true) })
  .meta({ id: 'DeletedFile' });
export type DeletedFile = z.infer<typeof DeletedFile>;

/** Returns the time at which a file expires, in Unix seconds, as a member of it. */
export function expiryOf(createdAt: number, seconds: number | undefined): Pick<File, 'expires_at'> {
  return seconds === undefined ? {} : { expires_at: createdAt + seconds };
}

/** Whether a file has expired at `now`, in milliseconds since the epoch. */
export function isExpired({ expires_at: at }: Pick<File, 'expires_at'>, now: number): boolean {
  return at !== undefined && now >= at * 1000;
}

/** The stored record of a file, with its tenant. */
export interface StoredFile extends File {
  readonly tenant: string;
}
