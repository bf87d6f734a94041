import type { Batch, BatchCreateInput } from '../schema/batch.ts';
import type { CallOptions, IdempotencyOptions, Transport } from './transport.ts';

export interface BatchPage {
  readonly data: readonly Batch[];
  /** Pass the ID of the last batch as `after` to get the next page. */
  readonly has_more: boolean;
}

export interface BatchMethods {
  /** Checks every line, then runs one job per valid line. */
  createBatch(request: BatchCreateInput, options?: CallOptions & IdempotencyOptions): Promise<Batch>;
  getBatch(id: string, options?: CallOptions): Promise<Batch>;
  /** Returns a page of batches, newest first. */
  listBatches(
    options?: CallOptions & {
      /** The maximum number of batches, from 1 to 100. The default is 20. */
      readonly limit?: number | undefined;
      /** The ID of the last batch of the previous page. */
      readonly after?: string | undefined;
    },
  ): Promise<BatchPage>;
  /** Changes how many jobs of the batch run at the same time. */
  updateBatch(id: string, change: { readonly max_in_flight: number }, options?: CallOptions): Promise<Batch>;
  /** Cancels running jobs and starts no more. A batch that has ended does not change. */
  cancelBatch(id: string, options?: CallOptions): Promise<Batch>;
  /** Starts no more jobs. Running jobs continue to their end. */
  pauseBatch(id: string, options?: CallOptions): Promise<Batch>;
  /** Continues a paused batch. */
  resumeBatch(id: string, options?: CallOptions): Promise<Batch>;
  /** Runs the lines of an ended batch again that failed, expired or were cancelled. */
  retryBatch(id: string, options?: CallOptions): Promise<Batch>;
  /** Returns the output and error lines so far, as JSON lines. Once the batch has ended, one per line of the input. */
  getBatchResults(id: string, options?: CallOptions): Promise<ReadableStream<Uint8Array>>;
}

export function batchMethods({ json, jsonById, streamById }: Transport): BatchMethods {
  return {
    createBatch: (body, options) => json('POST /v1/batches', { body, ...options }),

    getBatch: jsonById('GET /v1/batches/{id}'),

    listBatches: ({ limit, after, signal } = {}) =>
      json('GET /v1/batches', { query: { limit, after }, signal }),

    updateBatch: (id, body, options) => json('PATCH /v1/batches/{id}', { params: { id }, body, ...options }),

    cancelBatch: jsonById('POST /v1/batches/{id}/cancel'),

    pauseBatch: jsonById('POST /v1/batches/{id}/pause'),

    resumeBatch: jsonById('POST /v1/batches/{id}/resume'),

    retryBatch: jsonById('POST /v1/batches/{id}/retry'),

    getBatchResults: streamById('GET /v1/batches/{id}/results'),
  };
}
