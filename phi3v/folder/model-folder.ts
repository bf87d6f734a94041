/** What the files of a model folder say, whichever layout they come in. */
export interface ModelFolder {
  /** Most tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Up to this total the rope uses its short factors, beyond it the long ones. */
  readonly ropeSwitch: number;
  readonly eosIds: readonly number[];
  /** The processor's own number of crops. */
  readonly numCrops: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly hiddenSize: number;
  readonly vision: VisionGraph;
  readonly embedding: EmbeddingGraph;
  readonly text: TextGraph;
}

/** A graph's file, relative to the folder, and the names of what goes in and comes out. */
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
  /** Not every graph has this input. */
  readonly positionIds: string;
  readonly logits: string;
  /** Keys and values before and after, layer after layer. */
  readonly cache: readonly { readonly past: string; readonly present: string }[];
}

/** Keys and values of `layers` layers, named by templates in which `%d` is the number of the layer. */
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

/** Phi-3.5-vision's `original_max_position_embeddings`; Microsoft's ONNX folders do not repeat it outside the graph. */
export const ROPE_SWITCH = 4096;
