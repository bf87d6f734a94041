/** The usage objects of the API: of a job, a batch or a tenant. */
import { z } from 'zod';
import type { UsageCost } from './usage-cost.ts';

const amounts = {
  input_tokens: z.int().describe('Prompt tokens, including image tokens.'),
  output_tokens: z.int().describe('Generated tokens.'),
  gpu_seconds: z.number().describe('GPU time in seconds.'),
  cost: z.number().describe('Cost by the prices of the server. 0 if it has no prices.'),
  currency: z.string().nullable().describe('Null if the server has no prices.'),
};

export const Usage = z
  .object(amounts)
  .describe('New work only: cached generations are free.')
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof Usage>;

const InputTokensDetails = z.object({ cached_tokens: z.int() }).meta({ id: 'InputTokensDetails' });
const OutputTokensDetails = z.object({ reasoning_tokens: z.int() }).meta({ id: 'OutputTokensDetails' });

/** The usage of a batch: OpenAI's members, and those of `Usage`. */
export const BatchUsage = z
  .object({
    ...amounts,
    total_tokens: z.int(),
    input_tokens_details: InputTokensDetails,
    output_tokens_details: OutputTokensDetails,
  })
  .meta({
    id: 'BatchUsage',
    description: 'Total usage of the jobs of an ended batch. For a retried line, only the last round counts.',
  });
export type BatchUsage = z.infer<typeof BatchUsage>;

export const TenantUsage = z
  .object({
    object: z.literal('usage'),
    start_time: z.int().describe('Start of the period in Unix seconds (inclusive).'),
    end_time: z.int().describe('End of the period in Unix seconds (exclusive).'),
    jobs: z.int().describe('Number of job runs. Each retry counts as a run.'),
    video_seconds: z.number().describe('Total duration of the summarized video, in seconds.'),
    ...amounts,
  })
  .meta({ id: 'TenantUsage' });
export type TenantUsage = z.infer<typeof TenantUsage>;

/** Converts a usage to the API format. */
export function toUsage({ inputTokens, outputTokens, gpuSeconds, cost, currency }: UsageCost): Usage {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    gpu_seconds: gpuSeconds,
    cost,
    currency: currency ?? null,
  };
}

/** The inverse of `toUsage`. `videoSeconds` is 0. */
export function fromUsage(usage: Usage): UsageCost {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    gpuSeconds: usage.gpu_seconds,
    videoSeconds: 0,
    cost: usage.cost,
    ...(usage.currency === null ? {} : { currency: usage.currency }),
  };
}

/** Converts a usage to the format of a batch object. */
export function toBatchUsage(sum: UsageCost): BatchUsage {
  const usage = toUsage(sum);
  return {
    ...usage,
    total_tokens: usage.input_tokens + usage.output_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  };
}
