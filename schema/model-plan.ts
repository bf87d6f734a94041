/** What the plan needs to know of the model, and what a GPU worker checks itself against. */
export interface ModelPlan {
  readonly name: string;
  readonly revision: string;
  /** `num_crops` for the requested detail. */
  readonly crops: number;
  readonly maxImages: number;
  readonly promptTokens: number;
  readonly merge: { readonly captions: number; readonly parts: number };
  readonly tokens: { readonly captionPerImage: number; readonly summary: number; readonly title: number };
  readonly evidence: number;
  /** Most tokens of words that a caption prompt may quote; 0 for models that do not follow instructions. */
  readonly maxQuotedTokens: number;
}
