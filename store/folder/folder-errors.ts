/** What the file system throws, as the errors of a store. */
import { StoreError } from '../artifact-store.ts';

/** For `catch`: undefined where nothing is; anything else is thrown on. */
export function absent(error: unknown): undefined {
  if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
  throw asStoreError(error);
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('syscall' in error)) return error;
  if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT'))
    return new StoreError('full', 'the disk is full', { cause: error });
  return new StoreError('unavailable', 'the folder of the store failed', { cause: error });
}
