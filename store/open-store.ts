/** The store that the settings name, on Node. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ArtifactStore } from './artifact-store.ts';
import { containerCredentials } from './container-credentials.ts';
import { createFolderStore } from './folder/index.ts';
import { parseLifetimes } from './lifetimes.ts';
import { withLocalFiles } from './local-files.ts';
import { renewOnRead } from './renew-on-read.ts';
import { createS3Store, type IncrementalHash, type S3Credentials, type S3Options } from './s3/index.ts';

/** The part of the settings that says where artifacts are and how long they stay. */
export interface StoreSettings {
  readonly home: string;
  /** Undefined: the folder `artifacts` in `home`. */
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
  /** Most bytes of unused local copies from a bucket. */
  readonly storeCache: number;
  /** As `parseLifetimes` takes it. */
  readonly lifetimes: string;
}

/**
 * The store of a process, which renews what it uses. `scratch` is a folder for this process alone, where
 * local copies from a bucket are kept. Throws LifetimesError.
 */
export function openStore(settings: StoreSettings, scratch: string): ArtifactStore {
  return renewOnRead(openPlainStore(settings, scratch), parseLifetimes(settings.lifetimes));
}

/** The same without renewal, for who looks after the artifacts and does not use them. */
export function openPlainStore({ home, bucket, storeCache }: StoreSettings, scratch: string): ArtifactStore {
  if (bucket === undefined) return createFolderStore(join(home, 'artifacts'));
  const blobs = createS3Store({ ...bucketOptions(bucket), createSha256 });
  return withLocalFiles(blobs, { folder: join(scratch, 'artifacts'), maxBytes: storeCache });
}

/** How the bucket of the settings is reached. */
export function bucketOptions({
  credentials,
  ...place
}: NonNullable<StoreSettings['bucket']>): S3Options & { readonly prefix: string } {
  return {
    ...place,
    credentials:
      'uri' in credentials ? containerCredentials(credentials.uri, credentials.tokenFile) : () => credentials,
  };
}

function createSha256(): IncrementalHash {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
