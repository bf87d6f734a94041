/** Uploads of files on disk. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { FrameloomClient, UploadFileOptions } from '../client/index.ts';

/** Reports the bytes of a file that were sent, its size and its name. */
export type OnUpload = (sent: number, total: number, name: string) => void;

export interface LocalUploadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: OnUpload;
  readonly purpose?: UploadFileOptions['purpose'];
}

/**
 * Uploads one file and returns its description. The request states the size, so the server rejects a file over
 * its limit before the bytes are sent. Throws ApiError, and the reason of `signal` once it aborts.
 */
export async function uploadLocalFile(
  client: FrameloomClient,
  path: string,
  { signal, onProgress, purpose }: LocalUploadOptions,
): ReturnType<FrameloomClient['uploadFile']> {
  const blob = await openAsBlob(path);
  const name = basename(path);
  return await client.uploadFile(blob, name, {
    signal,
    onProgress: (sent) => onProgress(sent, blob.size, name),
    purpose,
  });
}
