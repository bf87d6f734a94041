/**
 * The artifact store: immutable blobs under names, on a folder or in a bucket. A name is `class/rest`, made from
 * lower-case letters, digits, `.`, `_`, `-` and `/`. Once published an artifact never changes: a second put of the same
 * name is answered with the first one, so that an activity that runs twice ends the same.
 */

export interface ArtifactInfo {
  readonly name: string;
  readonly bytes: number;
  /** Hex SHA-256 of the content. */
  readonly sha256: string;
}

/** An artifact with its age. */
export interface StoredArtifact extends ArtifactInfo {
  /** When it was written or touched last, in milliseconds since the epoch, by the clock of the store. */
  readonly modified: number;
  /** Whether that was a touch, where the store can tell and where a removal that looked before the touch may still come. */
  readonly touched?: boolean;
}

/** What a listing knows of an artifact. */
export type ArtifactEntry = Omit<StoredArtifact, 'sha256' | 'touched'>;

export type ArtifactBody = Uint8Array | AsyncIterable<Uint8Array>;

/** What every adapter does, wherever it runs. */
export interface BlobStore {
  /** Publishes `body` under `name`: readers see all of it or nothing. Answers what stands under the name afterwards. */
  put(name: string, body: ArtifactBody): Promise<StoredArtifact>;

  /**
   * Publishes `body` under `prefix/<its SHA-256>`. Stops with `too_large` when it is longer than `maxBytes`; nothing of it
   * stays then.
   */
  putByContent(
    prefix: string,
    body: ArtifactBody,
    options?: { readonly maxBytes?: number },
  ): Promise<StoredArtifact>;

  /** What stands under `name`, or undefined. */
  head(name: string): Promise<StoredArtifact | undefined>;

  /**
   * The bytes of `name`, or of `[start, end)` of them, as a stream. A whole read is checked against the hash: the stream
   * ends with `corrupt` if they differ.
   */
  read(
    name: string,
    range?: { readonly start: number; readonly end?: number },
  ): Promise<ReadableStream<Uint8Array>>;

  /** All bytes of `name`, checked. For small artifacts. */
  bytes(name: string): Promise<Uint8Array>;

  /** Names that begin with `prefix`, in order of their bytes, after `after`. */
  list(prefix: string, after?: string): AsyncIterable<string>;

  /** The same with size and age. */
  entries(prefix: string, after?: string): AsyncIterable<ArtifactEntry>;

  /** Removes `name`; nothing happens where nothing is. */
  delete(name: string): Promise<void>;

  /** Makes `name` as young as if it were written now. Answers whether it is there. */
  touch(name: string): Promise<boolean>;

  /**
   * Removes `name` unless it was written or touched at `before` or later, and answers whether it did. Looks and removes
   * within `EXPIRY_SETTLES`: who touches an artifact and finds it again after that time keeps it.
   */
  expire(name: string, before: number): Promise<boolean>;

  /** Removes what writers that were killed before `before` left half-made. Such remains are no artifacts: no reader sees them. */
  sweep(before: number): Promise<{ readonly removed: number; readonly bytes: number }>;

  /**
   * An address from which anybody can read the artifact for `seconds`, or undefined where nothing is. Only a store that
   * clients can reach has it.
   */
  signedUrl?(name: string, seconds: number): Promise<string | undefined>;

  /** Uploads past us. Likewise. */
  readonly direct?: DirectUploads;
}

/** Large bodies that clients send straight to the store, in parts and in any order, by signed addresses. */
export interface DirectUploads {
  begin(): Promise<DirectUpload>;
  /** An address to which exactly `bytes` bytes can be put for `seconds`, as part `number`, counted from 1; again replaces them. */
  signPart(
    upload: DirectUpload,
    part: { readonly number: number; readonly bytes: number },
    seconds: number,
  ): Promise<string>;
  /** The parts that are there, in order. Throws `not_found` once the upload was finished or taken back. */
  parts(upload: DirectUpload): Promise<readonly UploadedPart[]>;
  /**
   * Makes the parts that are there an artifact under `prefix/<its SHA-256>`, for which all bytes are read once. May be called again
   * after a failure. Throws `not_found` where nothing is left of the upload: it became the bytes of an artifact that was there already.
   */
  finish(upload: DirectUpload, prefix: string): Promise<StoredArtifact>;
  /** Takes an upload back that was not finished; nothing happens where nothing is. */
  abort(upload: DirectUpload): Promise<void>;
}

/** An upload under way. Plain data: the next call may come to another process. */
export interface DirectUpload {
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadedPart {
  readonly number: number;
  readonly bytes: number;
}

/** What a process with a file system has. */
export interface ArtifactStore extends BlobStore {
  /** Calls `use` with a local path of the artifact's bytes, which it must not change and not keep. For programs such as ffmpeg. */
  withFile<T>(name: string, use: (path: string) => Promise<T>): Promise<T>;
}

/** Longest time in milliseconds from the look of `expire` to the removal. */
export const EXPIRY_SETTLE_MS = 10_000;

export type StoreErrorCode = 'not_found' | 'corrupt' | 'too_large' | 'full' | 'unavailable' | 'invalid_name';

/** Every failure of a store. `full` and `unavailable` may pass; the others stay. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
