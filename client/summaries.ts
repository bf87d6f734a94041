import type { Job } from '../schema/job.ts';
import type { SummaryRequestInput } from '../schema/request.ts';
import type { CallOptions, IdempotencyOptions, Transport } from './transport.ts';

export interface SummaryPage {
  readonly data: readonly Job[];
  /** Pass it as `cursor` to get the next page; null on the last page. */
  readonly next_cursor: string | null;
}

export interface SummaryMethods {
  /** Starts a job, or returns the existing job of an equal request. */
  createSummary(
    request: SummaryRequestInput,
    options?: CallOptions &
      IdempotencyOptions & {
        /** Seconds to wait for the job to end before the response is sent, at most 60. The default is 0. */
        readonly wait?: number | undefined;
      },
  ): Promise<Job>;
  /** Returns a job, with its result once there is one. */
  getSummary(id: string, options?: CallOptions): Promise<Job>;
  /** Returns a page of jobs without their results, newest first. */
  listSummaries(
    options?: CallOptions & {
      /** The maximum number of jobs, from 1 to 100. The default is 20. */
      readonly limit?: number | undefined;
      /** The `next_cursor` of the previous page. */
      readonly cursor?: string | undefined;
      /** Only jobs with this status. */
      readonly status?: string | undefined;
      /** Only jobs with this type of source: `video`, `deck` or `images`. */
      readonly type?: string | undefined;
      readonly custom_id?: string | undefined;
      /** Only jobs created after this time: RFC 3339, or Unix seconds. */
      readonly created_after?: string | undefined;
      /** Only jobs created before this time: RFC 3339, or Unix seconds. */
      readonly created_before?: string | undefined;
    },
  ): Promise<SummaryPage>;
  /** Cancels a job. A job that has ended does not change. */
  cancelSummary(id: string, options?: CallOptions): Promise<Job>;
  /** Runs a job again that has gaps, failed, or was cancelled. Finished work is reused. */
  retrySummary(id: string, options?: CallOptions): Promise<Job>;
  /** Deletes a job that has ended, with its result, events and frames. */
  deleteSummary(id: string, options?: CallOptions): Promise<void>;
  /** Returns the decisions of the frame sampler: one JSON object (`FrameDecision`) per line. */
  listFrames(id: string, options?: CallOptions): Promise<string>;
  /** Returns the JPEG image of a frame, by its number or by the `image` of a frame in a result or event. */
  getFrame(id: string, frame: number | string, options?: CallOptions): Promise<Blob>;
}

export function summaryMethods({ json, jsonById, send, deleteById }: Transport): SummaryMethods {
  return {
    createSummary: (body, { wait, ...options } = {}) =>
      json('POST /v1/summaries', { body, query: { wait }, ...options }),

    getSummary: jsonById('GET /v1/summaries/{id}'),

    listSummaries: ({ signal, ...query } = {}) => json('GET /v1/summaries', { query, signal }),

    cancelSummary: jsonById('POST /v1/summaries/{id}/cancel'),

    retrySummary: jsonById('POST /v1/summaries/{id}/retry'),

    deleteSummary: deleteById('DELETE /v1/summaries/{id}'),

    listFrames: async (id, options) =>
      (await send('GET /v1/summaries/{id}/frames', { params: { id }, ...options })).text(),

    async getFrame(id, frame, options) {
      // A path is `/v1/summaries/{id}/frames/{image}`.
      const [, , , jobId = id, , image = `${frame}.jpg`] = String(frame).split('/');
      const params = { id: jobId, image };
      return (await send('GET /v1/summaries/{id}/frames/{image}', { params, ...options })).blob();
    },
  };
}
