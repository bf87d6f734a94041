/** The configuration of a model folder, in either layout. */
export interface ModelFolder {
  /** Most tokens of prompt and output together. */
  readonly contextLength: number;
  /** Up to this many tokens the rope uses its short factors, above it the long ones. */
  readonly ropeSwitch: number;
  readonly eosIds: readonly number[];
  /** `num_crops` of the model's own processor. */
  readonly numCrops: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly hiddenSize: number;
  readonly vision: VisionGraph;
  readonly embedding: EmbeddingGraph;
  readonly text: TextGraph;
}

/** The file of a graph, relative to the folder, and the names of its inputs and outputs. */
export interface VisionGraph {
  readonly file: string;
  readonly pixelValues: string;
  readonly imageSizes: string;
  readonly imageFeatures: string;
}

export interface EmbeddingGraph {
  readonly file: string;
  readonly inputIds: string;
  readonly imageFeatures: string;
  readonly inputsEmbeds: string;
}

export interface TextGraph {
  readonly file: string;
  readonly inputsEmbeds: string;
  readonly attentionMask: string;
  /** Some graphs do not have this input. */
  readonly positionIds: string;
  readonly logits: string;
  /** Inputs and outputs of the KV cache: keys and values of the first layer, of the second layer, … */
  readonly cache: readonly { readonly past: string; readonly present: string }[];
}

/**
 * Names of the keys and values of `layers` layers, from templates in which `%d` is the index of the layer.
 */
export function cacheNames(
  layers: number,
  templates: readonly { readonly past: string; readonly present: string }[],
): TextGraph['cache'] {
  return Array.from({ length: layers }, (_, layer) =>
    templates.map(({ past, present }) => ({
      past: past.replace('%d', String(layer)),
      present: present.replace('%d', String(layer)),
    })),
  ).flat();
}

/**
 * `original_max_position_embeddings` of Phi-3.5-vision. Microsoft's ONNX folders have it only inside the
 * graph.
 */
export const DEFAULT_ROPE_SWITCH = 4096;
