/** Copies the lines and texts of a schedule to the batch of one firing: the same requests, as separate jobs. */
import type { BatchTexts, ShardLine } from '../schema/batch.ts';
import { firingKey, type ScheduleActivities } from '../schema/batch-schedule.ts';
import { batchIdFor, jobIdOfLine } from '../schema/ids.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { batchShardName, batchTextsName, scheduleShardName, scheduleTextsName } from '../store/names.ts';
import { findJson, getJson, putJson, withHeartbeat } from './lib/index.ts';

export function createPrepareFiring({
  store,
}: {
  readonly store: ArtifactStore;
}): ScheduleActivities['prepareFiring'] {
  return ({ scheduleId, tenant, input, shards, firing }) =>
    withHeartbeat(async () => {
      const batchId = await batchIdFor(tenant, firingKey(firing));
      for (let shard = 0; shard < shards; shard += 1) {
        const lines = await getJson<readonly ShardLine[]>(store, scheduleShardName(scheduleId, input, shard));
        const own = await Promise.all(
          lines.map(async (line) =>
            'error' in line ? line : { ...line, jobId: await jobIdOfLine(tenant, batchId, line.customId) },
          ),
        );
        await putJson(store, batchShardName(batchId, input, shard), own);
      }
      const texts = await findJson<BatchTexts>(store, scheduleTextsName(scheduleId, input));
      if (texts) await putJson(store, batchTextsName(batchId, input), texts);
      return { batchId };
    });
}
