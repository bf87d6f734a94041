/** The properties of a model that a plan depends on. A GPU worker compares them with its own model. */
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
  /**
   * Maximum number of tokens of quoted text in a caption prompt; 0 for models that do not follow
   * instructions.
   */
  readonly maxQuotedTokens: number;
}
