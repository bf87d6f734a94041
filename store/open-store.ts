/** Opens the artifact store that the settings select, on Node. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ArtifactStore } from './artifact-store.ts';
import { containerCredentials } from './container-credentials.ts';
import { createFolderStore } from './folder/index.ts';
import { parseLifetimes } from './lifetimes.ts';
import { withLocalFiles } from './local-files.ts';
import { renewOnRead } from './renew-on-read.ts';
import { createS3Store, type IncrementalHash, type S3Credentials, type S3Options } from './s3/index.ts';

/** The settings for the location and the lifetimes of artifacts. */
export interface StoreSettings {
  readonly home: string;
  /** Undefined: artifacts are in the folder `artifacts` in `home`. */
  readonly bucket:
    | {
        readonly bucket: string;
        readonly prefix: string;
        readonly endpoint: string;
        readonly region: string;
        readonly pathStyle: boolean;
        readonly credentials:
          | S3Credentials
          | { readonly uri: string; readonly tokenFile: string | undefined };
      }
    | undefined;
  /** Maximum total size of local copies from a bucket, in bytes. Copies in use may exceed it. */
  readonly storeCache: number;
  /** Lifetimes of artifacts by class, in the format of `parseLifetimes`. */
  readonly lifetimes: string;
  /** Whether tenants share what they made. */
  readonly sharedCache: boolean;
}

/**
 * Opens the store of a process that uses artifacts. Each use renews the lifetime of an artifact.
 *
 * @param scratch Folder for local copies from a bucket. No other process may use it.
 * @throws LifetimesError for malformed lifetimes.
 */
export function openStore(settings: StoreSettings, scratch: string): ArtifactStore {
  const store = openPlainStore(settings, scratch);
  const shared = settings.sharedCache ? { ...store, isShared: true } : store;
  return renewOnRead(shared, parseLifetimes(settings.lifetimes));
}

/** Opens the store without renewal, for garbage collection and checks, which must not extend lifetimes. */
export function openPlainStore(
  { home, bucket, storeCache }: Omit<StoreSettings, 'sharedCache'>,
  scratch: string,
): ArtifactStore {
  if (bucket === undefined) return createFolderStore(join(home, 'artifacts'));
  const blobs = createS3Store({ ...bucketOptions(bucket), createSha256 });
  return withLocalFiles(blobs, { folder: join(scratch, 'artifacts'), maxBytes: storeCache });
}

/** Converts the settings of a bucket to options of `createS3Store`. */
export function bucketOptions({
  credentials,
  ...location
}: NonNullable<StoreSettings['bucket']>): S3Options & { readonly prefix: string } {
  return {
    ...location,
    credentials:
      'uri' in credentials ? containerCredentials(credentials.uri, credentials.tokenFile) : () => credentials,
  };
}

function createSha256(): IncrementalHash {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
