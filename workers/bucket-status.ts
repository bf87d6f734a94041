/** What the configured bucket is good for, for those who only want to know. */
import type { Settings } from '../schema/settings.ts';
import { bucketOptions } from '../store/open-store.ts';
import { type BucketReport, inspectBucket } from '../store/s3/inspect.ts';

/** Undefined where artifacts are in a folder. */
export async function askBucket({ bucket }: Settings): Promise<BucketReport | undefined> {
  return bucket && inspectBucket(bucketOptions(bucket));
}
