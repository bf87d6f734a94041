/** What a request will probably cost, and what travels to find that out. */
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
  .meta({ id: 'EstimateRange', description: 'The most probable value, and the limits of the likely range.' });

export const EstimateAmounts = z
  .object({
    segments: Range,
    frames: Range,
    input_tokens: Range,
    output_tokens: Range,
    gpu_seconds: z
      .union([Range, z.null()])
      .describe('From recent jobs of this model; null if there are none.'),
    cost: Range,
    currency: z.string().nullable(),
    assumptions: z.array(z.string()).describe('Quantities that were assumed instead of measured.'),
  })
  .meta({
    id: 'EstimateAmounts',
    description:
      '`frames` are described by the model. `input_tokens` include those of images. `cost` is 0 without prices, ' +
      'and excludes GPU seconds if these are null.',
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

/** What the memo of an estimate holds. */
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
  /** Names what is kept for it, as a job's id does. No job has it. */
  readonly jobId: JobId;
  readonly tenant: string;
}

export interface EstimateCostsInput extends JobRef {
  readonly source: SourceInfo;
  readonly model: ModelPlan;
  readonly prices?: Prices;
  /** Number of shards with the names of extractions. */
  readonly extractions: number;
  readonly maxFrames?: number;
  /** Spans of the source that were looked at, of how many. */
  readonly sampledSpans: number;
  readonly totalSpans: number;
}

/** Activities of the `cpu` queue. */
export interface EstimateActivities {
  /** Reckons from the pictures that were picked what describing and merging them takes. */
  estimateCosts(input: EstimateCostsInput): Promise<EstimateAmounts>;
}
