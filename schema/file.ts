/**
 * Files (`POST /v1/files`). The bytes of a file are an artifact named by their hash; the file refers to it.
 */
import { z } from 'zod';
import { FileId, Sha256 } from './ids.ts';

/** Files with purpose `batch_output` are created by the server; all others are uploaded. */
export const FilePurpose = z.enum(['source', 'batch', 'batch_output']);
export type FilePurpose = z.infer<typeof FilePurpose>;

export const File = z
  .object({
    id: FileId,
    object: z.literal('file'),
    filename: z.string(),
    purpose: FilePurpose,
    bytes: z.int().describe('Size of the file in bytes.'),
    sha256: Sha256,
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'File' });
export type File = z.infer<typeof File>;

/** The stored record of a file, with its tenant. */
export interface StoredFile extends File {
  readonly tenant: string;
}
