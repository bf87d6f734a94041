/** An uploaded file: `POST /v1/files`. Its bytes are an artifact named by their hash; the file is a name for them. */
import { z } from 'zod';
import { FileId, Sha256 } from './ids.ts';

export const File = z
  .object({
    id: FileId,
    object: z.literal('file'),
    filename: z.string(),
    bytes: z.int(),
    sha256: Sha256,
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'File' });
export type File = z.infer<typeof File>;
