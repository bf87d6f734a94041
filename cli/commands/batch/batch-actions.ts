/** The actions of `frameloom batch` on existing batches. */
import type { FrameloomClient } from '../../../client/index.ts';
import type { Batch } from '../../../schema/batch.ts';
import { type CommandContext, printLine } from '../../context.ts';
import { formatBatchCounts } from '../../output/index.ts';
import { writeResults } from './run-batch.ts';

export interface BatchCall {
  readonly client: FrameloomClient;
  /** Empty for `list`. */
  readonly id: string;
  readonly options: { readonly out?: string | undefined; readonly json: boolean };
  readonly context: CommandContext;
}

export type BatchAction = (call: BatchCall) => Promise<void>;

/** By the word after `batch`. They throw ApiError. */
export const BATCH_ACTIONS: Readonly<Record<string, BatchAction>> = {
  async status({ client, id, options, context }) {
    printBatch(await client.getBatch(id, { signal: context.signal }), options.json, context);
  },

  pause: changeAction('pauseBatch'),
  resume: changeAction('resumeBatch'),
  cancel: changeAction('cancelBatch'),
  retry: changeAction('retryBatch'),

  async results({ client, id, options: { out }, context: { stdout, signal } }) {
    if (out !== undefined) await writeResults(client, id, out, signal);
    else for await (const chunk of await client.getBatchResults(id, { signal })) stdout.write(chunk);
  },

  async list({ client, options, context }) {
    const { data } = await client.listBatches({ signal: context.signal, limit: 100 });
    if (options.json) printLine(context.stdout, JSON.stringify(data, null, 2));
    else for (const batch of data) printBatch(batch, false, context);
    if (data.length === 0) printLine(context.stderr, 'No batches.');
  },
};

function changeAction(method: 'pauseBatch' | 'resumeBatch' | 'cancelBatch' | 'retryBatch'): BatchAction {
  return async ({ client, id, options, context }) =>
    printBatch(await client[method](id, { signal: context.signal }), options.json, context);
}

function printBatch(batch: Batch, json: boolean, { stdout }: CommandContext): void {
  if (json) {
    printLine(stdout, JSON.stringify(batch, null, 2));
    return;
  }
  const created = new Date(batch.created_at * 1000).toISOString().slice(0, 19).replace('T', ' ');
  printLine(stdout, `${batch.id}  ${created}  ${formatBatchCounts(batch)}`);
}
