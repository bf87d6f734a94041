import type { Estimate } from '../schema/estimate.ts';
import type { Model } from '../schema/model.ts';
import type { SummaryRequestInput } from '../schema/request.ts';
import type { TenantUsage } from '../schema/usage.ts';
import type { CallOptions, Transport } from './transport.ts';

export interface UsageMethods {
  /** Returns the models of the server. */
  listModels(options?: CallOptions): Promise<readonly Model[]>;
  getModel(id: string, options?: CallOptions): Promise<Model>;
  /** Estimates what a job of this request will cost, and waits until the estimate is completed or failed. */
  estimate(request: SummaryRequestInput, options?: CallOptions): Promise<Estimate>;
  /** Starts an estimate. It may still be pending when it is returned. */
  createEstimate(
    request: SummaryRequestInput,
    options?: CallOptions & {
      /** Seconds to wait for the estimate before the response is sent, at most 60. The default is 30. */
      readonly wait?: number | undefined;
    },
  ): Promise<Estimate>;
  getEstimate(id: string, options?: CallOptions): Promise<Estimate>;
  /** Returns what the jobs of this API key have cost, by default in this month. */
  getUsage(
    options?: CallOptions & {
      /** Start of the period in Unix seconds. */
      readonly start?: number | undefined;
      /** End of the period in Unix seconds. */
      readonly end?: number | undefined;
    },
  ): Promise<TenantUsage>;
}

const ESTIMATE_POLL_MS = 1000;

export function usageMethods({ json, jsonById, sleep }: Transport): UsageMethods {
  const methods: UsageMethods = {
    async estimate(request, options) {
      let estimate = await methods.createEstimate(request, options);
      // Not `retry`: it waits for a result, and no request has failed.
      while (estimate.status === 'pending') {
        await sleep(ESTIMATE_POLL_MS);
        estimate = await methods.getEstimate(estimate.id, options);
      }
      return estimate;
    },

    createEstimate: (body, { wait, signal } = {}) =>
      json('POST /v1/estimates', { body, query: { wait }, signal }),

    listModels: async (options = {}) => (await json('GET /v1/models', options)).data,

    getModel: jsonById('GET /v1/models/{id}'),

    getEstimate: jsonById('GET /v1/estimates/{id}'),

    getUsage: ({ start, end, signal } = {}) =>
      json('GET /v1/usage', { query: { start_time: start, end_time: end }, signal }),
  };
  return methods;
}
