/** An uploaded file: `POST /v1/files`. Its bytes are an artifact named by their hash; the file is a name for them. */
import { z } from 'zod';
import { FileId, Sha256 } from './ids.ts';

/** `batch_output` files are made by the server; the others are uploaded. */
export const FilePurpose = z.enum(['source', 'batch', 'batch_output']);
export type FilePurpose = z.infer<typeof FilePurpose>;

export const File = z
  .object({
    id: FileId,
    object: z.literal('file'),
    filename: z.string(),
    purpose: FilePurpose,
    bytes: z.int(),
    sha256: Sha256,
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'File' });
export type File = z.infer<typeof File>;

/** What stands in the store: the file and whose it is. */
export interface StoredFile extends File {
  readonly tenant: string;
}
