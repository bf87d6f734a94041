/**
 * The port to the artifact store: immutable blobs with names, in a folder or a bucket. A name is `class/rest`
 * and consists of lower-case letters, digits, `.`, `_`, `-` and `/`. A published artifact never changes: a
 * second put under the same name returns the first artifact, so that an activity that runs twice has the same
 * result.
 */

export interface ArtifactInfo {
  readonly name: string;
  readonly bytes: number;
  /** Hex SHA-256 of the content. */
  readonly sha256: string;
}

/** An artifact with its modification time. */
export interface StoredArtifact extends ArtifactInfo {
  /** Time of the last write or touch, in milliseconds since the epoch, by the clock of the store. */
  readonly modified: number;
  /**
   * Whether `modified` is the time of a touch. Unset if the store cannot distinguish, or if `expire` is
   * atomic.
   */
  readonly touched?: boolean;
}

/** An artifact as a listing returns it. */
export type ArtifactEntry = Omit<StoredArtifact, 'sha256' | 'touched'>;

export type ArtifactBody = Uint8Array | AsyncIterable<Uint8Array>;

/** The operations of every adapter. All throw StoreError. */
export interface BlobStore {
  /**
   * Publishes `body` under `name`. Readers see all or nothing. Returns the artifact that exists afterwards.
   */
  put(name: string, body: ArtifactBody): Promise<StoredArtifact>;

  /**
   * Publishes `body` under `prefix/<its SHA-256>`.
   *
   * @throws StoreError `too_large` if the body is longer than `maxBytes`. Nothing is stored then.
   */
  putByContent(
    prefix: string,
    body: ArtifactBody,
    options?: { readonly maxBytes?: number },
  ): Promise<StoredArtifact>;

  /** Returns the artifact `name`, or undefined. */
  head(name: string): Promise<StoredArtifact | undefined>;

  /**
   * Returns the bytes of `name`, or its range `[start, end)`, as a stream. If all bytes are read, their hash
   * is verified: the stream fails with `corrupt` if it differs.
   *
   * @throws StoreError `not_found`.
   */
  read(
    name: string,
    range?: { readonly start: number; readonly end?: number },
  ): Promise<ReadableStream<Uint8Array>>;

  /** Returns all bytes of a small artifact. @throws StoreError `not_found`, `corrupt`. */
  bytes(name: string): Promise<Uint8Array>;

  /** Yields names that start with `prefix` and sort after `after`, in the order of their bytes. */
  list(prefix: string, after?: string): AsyncIterable<string>;

  /** As `list`, with size and modification time. */
  entries(prefix: string, after?: string): AsyncIterable<ArtifactEntry>;

  /** Removes `name`. A no-op if it does not exist. */
  delete(name: string): Promise<void>;

  /** Sets the modification time of `name` to now. Returns whether it exists. */
  touch(name: string): Promise<boolean>;

  /**
   * Removes `name` unless it was written or touched at `before` or later. Returns whether it was removed.
   * Check and removal happen within `EXPIRY_SETTLE_MS`: an artifact that exists that long after a touch
   * stays.
   */
  expire(name: string, before: number): Promise<boolean>;

  /** Removes incomplete data that killed writers left before `before`. It is not visible to readers. */
  sweep(before: number): Promise<{ readonly removed: number; readonly bytes: number }>;

  /**
   * Returns a URL that permits anyone to read the artifact for `seconds`, or undefined if it does not exist.
   * Unset if clients cannot reach the store.
   */
  signedUrl?(name: string, seconds: number): Promise<string | undefined>;

  /** Uploads from clients to the store. Unset if clients cannot reach it. */
  readonly direct?: DirectUploads;

  /** Whether tenants share what they made: a setting of the operator (tenant-view.ts). Unset: they do not. */
  readonly isShared?: boolean;

  /** Whose content the names of a view refer to. Unset for the store itself. */
  readonly scope?: string;
}

/** Large bodies that clients send directly to the store, in parts and in any order, by presigned URLs. */
export interface DirectUploads {
  begin(): Promise<DirectUpload>;
  /**
   * Returns a URL for a PUT of exactly `bytes` bytes as part `number` (from 1), for `seconds`. A second PUT
   * replaces the part.
   */
  signPart(
    upload: DirectUpload,
    part: { readonly number: number; readonly bytes: number },
    seconds: number,
  ): Promise<string>;
  /**
   * Returns the uploaded parts in order. @throws StoreError `not_found` if the upload was finished or
   * aborted.
   */
  parts(upload: DirectUpload): Promise<readonly UploadedPart[]>;
  /**
   * Publishes the uploaded parts as an artifact under `prefix/<its SHA-256>`. Reads all bytes once. May be
   * repeated after a failure.
   *
   * @throws StoreError `not_found` if the upload was aborted, or if its bytes were removed because the
   *   artifact existed.
   */
  finish(upload: DirectUpload, prefix: string): Promise<StoredArtifact>;
  /** Aborts an unfinished upload. A no-op if it does not exist. */
  abort(upload: DirectUpload): Promise<void>;
}

/** An unfinished upload. Plain data, because the next call may reach another process. */
export interface DirectUpload {
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadedPart {
  readonly number: number;
  readonly bytes: number;
}

/** A store for processes with a file system. */
export interface ArtifactStore extends BlobStore {
  /**
   * Calls `use` with a local path of the bytes, for programs such as ffmpeg. The file must not be changed, or
   * used later.
   */
  withFile<T>(name: string, use: (path: string) => Promise<T>): Promise<T>;
}

/** Maximum time between the check and the removal in `expire`. */
export const EXPIRY_SETTLE_MS = 10_000;

export type StoreErrorCode = 'not_found' | 'corrupt' | 'too_large' | 'full' | 'unavailable' | 'invalid_name';

/** A failure of a store. Only `full` and `unavailable` may be temporary. The message is for developers. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
