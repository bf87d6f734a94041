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

/** Throws `model_mismatch` when the job was planned for another model than this worker runs; a worker with that model may retry. */
export function requirePlannedModel({ profile }: Pick<GpuContext, 'profile'>, plan: ModelPlan): void {
  if (profile.name !== plan.name || profile.revision !== plan.revision) {
    throw new FrameloomError(
      'model_mismatch',
      `The job was planned for ${plan.name} ${plan.revision}; this worker runs ${profile.name} ${profile.revision}.`,
    );
  }
}

/** Tokens of words that a caption prompt may quote, for models that can make something of them. */
const WORD_TOKENS = 512;

/** What the plan may ask of a model at a level of detail. */
export function modelPlan(profile: ModelProfile, detail: 'low' | 'medium' | 'high'): ModelPlan {
  const crops = profile.detail[detail];
  return {
    name: profile.name,
    revision: profile.revision,
    crops,
    // No more pictures than one merge prompt takes captions, so that a segment always fits into one.
    maxImages: Math.min(profile.images_per_prompt[String(crops)] ?? 1, profile.merge.captions),
    promptTokens: profile.prompt_tokens,
    merge: profile.merge,
    tokens: {
      captionPerImage: profile.tokens.caption_per_image,
      summary: profile.tokens.summary,
      title: profile.tokens.title,
    },
    evidence: profile.evidence,
    maxQuotedTokens: profile.follows_instructions ? WORD_TOKENS : 0,
  };
}
