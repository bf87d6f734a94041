/** Stores the output files of a batch that has ended. */
import { unfinishedLineError } from '../schema/batch.ts';
import { type OutputLine, outputLines } from '../schema/batch-output.ts';
import type { BatchFileActivities, FinishBatchInput, FinishBatchOutput } from '../schema/batch-stages.ts';
import { expiryOf, type StoredFile } from '../schema/file.ts';
import { type FileId, fileIdFor } from '../schema/ids.ts';
import { fromUsage } from '../schema/usage.ts';
import { NO_USAGE, sumUsage, type UsageCost } from '../schema/usage-cost.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { putFileRecord } from '../store/file-list.ts';
import { SOURCES } from '../store/names.ts';
import { removeFile } from '../store/remove.ts';
import { scopeOf } from '../store/tenant-view.ts';
import { holdingView } from '../store/uses.ts';
import { batchReader, withHeartbeat } from './lib/index.ts';

export function createFinishBatch({
  store,
}: {
  readonly store: ArtifactStore;
}): BatchFileActivities['finishBatch'] {
  return (input) =>
    withHeartbeat(async (): Promise<FinishBatchOutput> => {
      const output = await publish(input, true);
      const errors = await publish(input, false);
      return {
        completed: output.lines,
        failed: errors.lines,
        usage: sumUsage([output.usage, errors.usage]),
        ...(output.id ? { outputFileId: output.id } : {}),
        ...(errors.id ? { errorFileId: errors.id } : {}),
      };
    });

  /** Stores the file of the lines with a result, or of those without. An empty file is not stored. */
  async function publish(
    { status, outputExpiresAfter, ...ref }: FinishBatchInput,
    ok: boolean,
  ): Promise<Counted & { readonly id?: FileId }> {
    const counted: Counted = { lines: 0, usage: NO_USAGE };
    const lines = outputLines(batchReader(store, ref), unfinishedLineError(status));
    const kind = ok ? 'output' : 'errors';
    const id = await fileIdFor(ref.tenant, `${kind} of ${ref.batchId} round ${ref.round}`);
    const own = holdingView(store, scopeOf(store, ref.tenant), id);
    const { bytes, sha256 } = await own.putByContent(SOURCES, only(lines, ok, counted));
    if (counted.lines === 0) {
      await removeFile(store, id);
      return counted;
    }
    const now = Date.now();
    const createdAt = Math.floor(now / 1000);
    const record: StoredFile = {
      id,
      object: 'file',
      filename: `${ref.batchId}_${kind}.jsonl`,
      purpose: 'batch_output',
      bytes,
      sha256,
      created_at: createdAt,
      ...expiryOf(createdAt, outputExpiresAfter),
      status: 'processed',
      tenant: ref.tenant,
    };
    await putFileRecord(store, record, now);
    return { ...counted, id };
  }
}

interface Counted {
  lines: number;
  usage: UsageCost;
}

async function* only(
  lines: AsyncIterable<OutputLine>,
  ok: boolean,
  counted: Counted,
): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    if (line.ok !== ok) continue;
    counted.lines += 1;
    if (line.usage) counted.usage = sumUsage([counted.usage, fromUsage(line.usage)]);
    yield new TextEncoder().encode(`${line.text}\n`);
  }
}
