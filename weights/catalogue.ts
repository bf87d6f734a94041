/**
 * The published weights of Phi-3.5-vision that this runtime can load. Revisions and checksums are pinned, so
 * that a file that was changed on the server is rejected. Sources: the repositories on Hugging Face.
 */
import type { Digest } from './digest.ts';

/** A file of a model folder with its checksum. */
export interface WeightFile {
  /** Path in the model folder, with forward slashes. */
  readonly path: string;
  /** Path in the repository. */
  readonly source: string;
  readonly digest: Digest;
  /** Size in bytes. A rounded size (`exact: false`) serves only free space checks and progress. */
  readonly size: { readonly bytes: number; readonly exact: boolean };
}

/** The files of a model folder. */
export interface WeightSet {
  readonly repository: string;
  /** Full commit id, 40 hex digits. */
  readonly revision: string;
  readonly files: readonly WeightFile[];
  /**
   * The file by which loaders recognize the folder. It is written last: if it exists, the folder is complete.
   */
  readonly markerFile: string;
}

interface VariantInfo {
  readonly name: string;
  /** One line for the user who selects a variant. */
  readonly description: string;
  /** Rounded total size in bytes. */
  readonly bytes: number;
  readonly repository: string;
  readonly markerFile: string;
}

/** A variant whose checksums are part of the catalogue. */
export interface PinnedVariant extends VariantInfo {
  readonly kind: 'pinned';
  readonly revision: string;
  /** Folder in the repository. */
  readonly folder: string;
  readonly files: readonly WeightFile[];
}

/** A variant whose files and checksums are requested from the server, at a pinned revision. */
export interface ListedVariant extends VariantInfo {
  readonly kind: 'listed';
  /** Prefix of a commit id. The server returns the full id. */
  readonly revision: string;
}

/** One publication of the weights of a model. */
export type WeightVariant = PinnedVariant | ListedVariant;

/** A model with the variants of its weights. */
export interface CatalogueModel {
  /** Name of the model. Folders of other variants than the first append the name of the variant. */
  readonly name: string;
  readonly variants: readonly [WeightVariant, ...WeightVariant[]];
}

const MICROSOFT = 'microsoft/Phi-3.5-vision-instruct-onnx';
const MICROSOFT_REVISION = '672d73375fa86f3d7787e40ac593e33a4f04a055';
const CPU_FOLDER = 'cpu_and_mobile/cpu-int4-rtn-block-32-acc-level-4';
const GPU_FOLDER = 'gpu/gpu-int4-rtn-block-32';
const GENAI_CONFIG = 'genai_config.json';

/** Name, size in bytes, whether the size is exact, and hex SHA-256. */
type Row = readonly [name: string, bytes: number, exact: boolean, sha256: string];

const SHARED: readonly Row[] = [
  ['genai_config.json', 2121, true, 'aab58b61ca85a8bf2d4781fe1b4299e3d0f20a4cd902bc5c02adfe361b62aad9'],
  ['processor_config.json', 752, true, 'b6f5a3ceb16ad076b31430e358d68f0ebb53d9ddeb91270e9e5c4ff8fefed67f'],
  ['tokenizer.json', 1851388, true, '478fb6fd0bf1403eb2ffda892e285f5ae968b9e0c06eb2815552ebedacb8ca93'],
];

const CPU: readonly Row[] = [
  ...SHARED,
  ['tokenizer_config.json', 9547, true, 'd637971d627e4f8ce0422401bd0a305d9f763657ad21e8205afe8d36b6672524'],
  ['special_tokens_map.json', 670, true, 'f9535fada19315e0d8eb89521cebe111c008fee98d16e7c6744acfb50505d8c3'],
  [
    'phi-3.5-v-instruct-embedding.onnx',
    6090,
    false,
    '83bb330b0a319812eccdf6b6bc5ce17eb6a120bcf76120f6af27c19c3d396ea1',
  ],
  [
    'phi-3.5-v-instruct-embedding.onnx.data',
    394e6,
    false,
    '2dcbf0fcb14433ac8fa82b35c39675c01fb552512b4c0e5d54e8f247046ef393',
  ],
  [
    'phi-3.5-v-instruct-text.onnx',
    52.1e6,
    false,
    'f7580bd589693e87e3825ffe8eda3f5fda4158d2d82d27803c263aa0e7454a81',
  ],
  [
    'phi-3.5-v-instruct-text.onnx.data',
    2.33e9,
    false,
    '214fd2e8a09b8c7b141f9095171aed6f994768a36803b7eeb9ea3be16da99dd6',
  ],
  [
    'phi-3.5-v-instruct-vision.onnx',
    414e3,
    false,
    'e06ccb2d2c35c2565f0abe507241f33cae9d7f63a1d79f6170b317d12f35c3bf',
  ],
  [
    'phi-3.5-v-instruct-vision.onnx.data',
    445e6,
    false,
    '45af0e626ba0eff702d9c1873c84f9e60f1f17bb2036bf1abc045968b5e645df',
  ],
];

/** The two small files differ from those of the CPU variant only in their line ends. */
const GPU: readonly Row[] = [
  ...SHARED,
  ['tokenizer_config.json', 9900, false, '7743c1615083d279af0170c5550dd7f40ea4de275fb3a99a5cb09bbe43e50662'],
  ['special_tokens_map.json', 706, true, '8aa9f4bae46e5280787c8979252ffbf81f411a9aae79650f33a03d2a4b282514'],
  [
    'phi-3.5-v-instruct-embedding.onnx',
    6090,
    false,
    'b707f7f659d8585a9253f3b95b1740522f3062a7eb4465f09d93c984743e399d',
  ],
  [
    'phi-3.5-v-instruct-embedding.onnx.data',
    197e6,
    false,
    'e0af51a7c122ed63878262191faa905c1e317c7153185a6f7275e61d22fda63a',
  ],
  [
    'phi-3.5-v-instruct-text.onnx',
    292e3,
    false,
    'd598bf368ed0b84b9d9db91a6a4843a2c92d071bf51df6763daadb3213922204',
  ],
  [
    'phi-3.5-v-instruct-text.onnx.data',
    2.12e9,
    false,
    'de9df6b7062a3d133af7674041e583534dff5a95758572c15468eb1bf602e576',
  ],
  // An earlier upload of this graph (917 kB with 178 MB of weights) computes wrong image features.
  [
    'phi-3.5-v-instruct-vision.onnx',
    422e3,
    false,
    '30d5d0dc644db606e42cf0d759acb2a22aef4ef572c77689e910ad9fa3b5ad1e',
  ],
  [
    'phi-3.5-v-instruct-vision.onnx.data',
    282e6,
    false,
    '68aafcb815850a4982644fc81efec6800054865bb6dbc4ff41f275cc73533eac',
  ],
];

/** All models whose weights can be pulled. */
export const MODEL_CATALOGUE: readonly CatalogueModel[] = [
  {
    name: 'phi-3.5-vision',
    variants: [
      pinned('cpu', 'int4 weights, float32 activations, for workers without a GPU', 3.22e9, CPU_FOLDER, CPU),
      pinned('gpu', 'int4 weights, float16 activations, for CUDA', 2.6e9, GPU_FOLDER, GPU),
      {
        kind: 'listed',
        name: 'transformers.js',
        description: 'the layout of Transformers.js, with a choice of dtypes',
        bytes: 3.22e9,
        repository: 'onnx-community/Phi-3.5-vision-instruct',
        revision: '4181279',
        markerFile: 'config.json',
      },
    ],
  },
];

function pinned(
  name: string,
  description: string,
  bytes: number,
  folder: string,
  rows: readonly Row[],
): PinnedVariant {
  return {
    kind: 'pinned',
    name,
    description,
    bytes,
    repository: MICROSOFT,
    revision: MICROSOFT_REVISION,
    folder,
    markerFile: GENAI_CONFIG,
    files: rows.map(([path, size, exact, hex]) => ({
      path,
      source: `${folder}/${path}`,
      digest: { algorithm: 'sha256', hex },
      size: { bytes: size, exact },
    })),
  };
}
