/** Estimates of the cost of a request, and the messages of the `estimate` workflow. */
import { z } from 'zod';
import { EstimateId, type JobId } from './ids.ts';
import { JobError } from './job.ts';
import type { ModelPlan } from './model-plan.ts';
import type { SummaryRequest } from './request.ts';
import type { SourceInfo } from './source.ts';
import type { JobRef } from './stages.ts';
import type { Prices } from './usage-cost.ts';

const Range = z
  .object({ expected: z.number(), low: z.number(), high: z.number() })
  .meta({ id: 'EstimateRange', description: 'The expected value, and the limits of the likely range.' });

export const EstimateAmounts = z
  .object({
    segments: Range,
    frames: Range,
    input_tokens: Range,
    output_tokens: Range,
    gpu_seconds: z
      .union([Range, z.null()])
      .describe('GPU time in seconds, from recent jobs of this model. Null if there are none.'),
    cost: Range,
    currency: z.string().nullable().describe('Null if the server has no prices.'),
    assumptions: z.array(z.string()).describe('The quantities that were assumed instead of measured.'),
  })
  .meta({
    id: 'EstimateAmounts',
    description:
      '`frames` is the number of frames that the model describes. `input_tokens` includes image tokens. `cost` is 0 if the ' +
      'server has no prices, and excludes GPU time if `gpu_seconds` is null.',
  });
export type EstimateAmounts = z.infer<typeof EstimateAmounts>;

export const Estimate = z
  .object({
    id: EstimateId,
    object: z.literal('estimate'),
    status: z.enum(['pending', 'completed', 'failed']),
    estimate: z.union([EstimateAmounts, z.null()]),
    error: z.union([JobError, z.null()]),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Estimate' });
export type Estimate = z.infer<typeof Estimate>;

/** The memo of an estimate. */
export interface EstimateMemo {
  readonly tenant: string;
  /** Digest of the request. */
  readonly fingerprint: string;
  readonly priority: SummaryRequest['priority'];
  readonly estimate?: EstimateAmounts;
  readonly error?: JobError;
}

/** The argument of the `estimate` workflow. */
export interface EstimateInput {
  /** Names the artifacts of the estimate, like the id of a job. No job has this id. */
  readonly jobId: JobId;
  readonly tenant: string;
}

export interface EstimateCostsInput extends JobRef {
  readonly source: SourceInfo;
  readonly model: ModelPlan;
  readonly prices?: Prices;
  /** Number of shards of kind `extractions`. */
  readonly extractions: number;
  readonly maxFrames?: number;
  /** Number of spans of the source that were sampled, and of all its spans. */
  readonly sampledSpans: number;
  readonly totalSpans: number;
}

/** Activities of the `cpu` queue. */
export interface EstimateActivities {
  /** Estimates from the sampled frames what it costs to describe and merge them. */
  estimateCosts(input: EstimateCostsInput): Promise<EstimateAmounts>;
}
