/** Converts errors of the file system to errors of the store. */
import { StoreError } from '../artifact-store.ts';

/** For `catch`: returns undefined if a path does not exist, and throws any other error as a StoreError. */
export function undefinedIfMissing(error: unknown): undefined {
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
  throw asStoreError(error);
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('syscall' in error)) return error;
  if (hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT'))
    return new StoreError('full', 'the disk is full', { cause: error });
  return new StoreError('unavailable', 'the folder of the store failed', { cause: error });
}
