/** The model of a GPU worker and what its activities share. */

import { FrameloomError } from '../../core/errors.ts';
import type { ModelPlan } from '../../schema/model-plan.ts';
import type { ModelProfile } from '../../schema/model-profile.ts';
import type { FeatureCache } from './feature-cache.ts';
import type { GenerationDeps } from './generation.ts';

/** What the activities of one GPU worker share. */
export interface GpuContext extends GenerationDeps {
  readonly profile: ModelProfile;
  readonly featureCache: FeatureCache;
}

/**
 * Throws `model_mismatch` when the job was planned for another model than this worker runs; a worker with
 * that model may retry.
 */
export function requirePlannedModel({ profile }: Pick<GpuContext, 'profile'>, plan: ModelPlan): void {
  if (profile.name !== plan.name || profile.revision !== plan.revision) {
    throw new FrameloomError(
      'model_mismatch',
      `The job was planned for ${plan.name} ${plan.revision}; this worker runs ${profile.name} ${profile.revision}.`,
    );
  }
}

/** Most tokens of slide text or transcript in a caption prompt, for models that follow instructions. */
const MAX_QUOTED_TOKENS = 512;

/** Returns the limits of a model at a level of detail, for the plan of a job. */
export function modelPlan(profile: ModelProfile, detail: 'low' | 'medium' | 'high'): ModelPlan {
  const crops = profile.detail[detail];
  return {
    name: profile.name,
    revision: profile.revision,
    crops,
    // At most as many images as a merge prompt has captions, so that the captions of a segment fit into one.
    maxImages: Math.min(profile.images_per_prompt[String(crops)] ?? 1, profile.merge.captions),
    promptTokens: profile.prompt_tokens,
    merge: profile.merge,
    tokens: {
      captionPerImage: profile.tokens.caption_per_image,
      summary: profile.tokens.summary,
      title: profile.tokens.title,
    },
    evidence: profile.evidence,
    maxQuotedTokens: profile.follows_instructions ? MAX_QUOTED_TOKENS : 0,
  };
}
