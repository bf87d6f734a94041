/** What was spent, as clients see it: of a job, a batch or a tenant. */
import { z } from 'zod';
import type { UsageCost } from './usage-cost.ts';

const amounts = {
  input_tokens: z.int().describe('Tokens of prompts, pictures included.'),
  output_tokens: z.int(),
  gpu_seconds: z.number().describe('Time the model was busy, in seconds.'),
  cost: z.number().describe('By the prices of the server; 0 where it has none.'),
  currency: z.string().nullable().describe('Null where the server has no prices.'),
};

export const Usage = z
  .object(amounts)
  .describe('What was made, and made for this; what was found costs nothing.')
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof Usage>;

const InputTokensDetails = z.object({ cached_tokens: z.int() }).meta({ id: 'InputTokensDetails' });
const OutputTokensDetails = z.object({ reasoning_tokens: z.int() }).meta({ id: 'OutputTokensDetails' });

/** OpenAI's usage of a batch, and ours beside it. */
export const BatchUsage = z
  .object({
    ...amounts,
    total_tokens: z.int(),
    input_tokens_details: InputTokensDetails,
    output_tokens_details: OutputTokensDetails,
  })
  .meta({
    id: 'BatchUsage',
    description: 'The cost of the jobs of an ended batch. Of a retried line, the last round counts.',
  });
export type BatchUsage = z.infer<typeof BatchUsage>;

export const TenantUsage = z
  .object({
    object: z.literal('usage'),
    start_time: z.int().describe('Seconds of Unix. Jobs that began from here on are counted …'),
    end_time: z.int().describe('… up to here.'),
    jobs: z.int().describe('Runs of jobs: one that was retried counts once more.'),
    video_seconds: z.number().describe('Seconds of video that these jobs took in.'),
    ...amounts,
  })
  .meta({ id: 'TenantUsage' });
export type TenantUsage = z.infer<typeof TenantUsage>;

/** The usage as it is shown to clients. */
export function toUsage({ inputTokens, outputTokens, gpuSeconds, cost, currency }: UsageCost): Usage {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    gpu_seconds: gpuSeconds,
    cost,
    currency: currency ?? null,
  };
}

/** The opposite of `toUsage`, for sums of stored usages. `videoSeconds` is 0. */
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

/** The usage in the shape of OpenAI's batch object. */
export function toBatchUsage(sum: UsageCost): BatchUsage {
  const usage = toUsage(sum);
  return {
    ...usage,
    total_tokens: usage.input_tokens + usage.output_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  };
}
