/**
 * The artifact store: immutable blobs under names, on a folder now and a bucket later. A name is `class/rest`, made from
 * lower-case letters, digits, `.`, `_`, `-` and `/`. Once published an artifact never changes: a second put of the same
 * name is answered with the first one, so that an activity that runs twice ends the same.
 */

export interface ArtifactInfo {
  readonly name: string;
  readonly bytes: number;
  /** Hex SHA-256 of the content. */
  readonly sha256: string;
}

export type ArtifactBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface ArtifactStore {
  /** Publishes `body` under `name`: readers see all of it or nothing. Answers what stands under the name afterwards. */
  put(name: string, body: ArtifactBody): Promise<ArtifactInfo>;

  /**
   * Publishes `body` under `prefix/<its SHA-256>`. Stops with `too_large` when it is longer than `maxBytes`; nothing of it
   * stays then.
   */
  putByContent(
    prefix: string,
    body: ArtifactBody,
    options?: { readonly maxBytes?: number },
  ): Promise<ArtifactInfo>;

  /** What stands under `name`, or undefined. */
  head(name: string): Promise<ArtifactInfo | undefined>;

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

  /** Names that begin with `prefix`, in order, after `after`. */
  list(prefix: string, after?: string): AsyncIterable<string>;

  /** Removes `name`; nothing happens where nothing is. */
  delete(name: string): Promise<void>;

  /** Calls `use` with a local path of the artifact's bytes, which it must not change and not keep. For programs such as ffmpeg. */
  withFile<T>(name: string, use: (path: string) => Promise<T>): Promise<T>;
}

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
