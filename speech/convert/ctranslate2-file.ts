/**
 * Reads the weights of a CTranslate2 model (`model.bin`). Source of the format: `model_spec.py` and
 * `models/model.cc` of CTranslate2, binary version 6.
 */
import { readFile } from 'node:fs/promises';
import { ModelError } from '../../onnx/index.ts';

/** A weight in row-major order, as it is stored. */
export interface StoredWeight {
  readonly type: 'float32' | 'int8' | 'int16' | 'int32' | 'float16';
  readonly dims: readonly number[];
  readonly bytes: Buffer;
}

const TYPES = ['float32', 'int8', 'int16', 'int32', 'float16'] as const;
const BINARY_VERSION = 6;
/** No variable of Whisper has more. */
const MAX_RANK = 4;

/**
 * Returns the weights by name. Aliases share their bytes.
 *
 * @throws ModelError `model_invalid` if the file has another format.
 */
export async function readCTranslate2File(path: string): Promise<ReadonlyMap<string, StoredWeight>> {
  const file = await readFile(path);
  try {
    return parse(file);
  } catch (cause) {
    throw new ModelError('model_invalid', 'The file is not a CTranslate2 model.', { cause });
  }
}

function parse(file: Buffer): ReadonlyMap<string, StoredWeight> {
  let at = 0;
  const integer = (bytes: 1 | 2 | 4): number => {
    at += bytes;
    return file.readUIntLE(at - bytes, bytes);
  };
  /** Strings end with a zero byte that their length counts. */
  const string = (): string => {
    const length = integer(2);
    at += length;
    return file.toString('utf8', at - length, at - 1);
  };
  if (integer(4) !== BINARY_VERSION) throw new Error('unknown binary version');
  string(); // name of the specification
  integer(4); // its revision
  const weights = new Map<string, StoredWeight>();
  for (let count = integer(4); count > 0; count--) {
    const name = string();
    const rank = integer(1);
    if (rank > MAX_RANK) throw new Error(`${name} has rank ${rank}`);
    const dims = Array.from({ length: rank }, () => integer(4));
    const type = TYPES[integer(1)];
    const length = integer(4);
    if (type === undefined || at + length > file.length) throw new Error(`${name} is cut off`);
    weights.set(name, { type, dims, bytes: file.subarray(at, at + length) });
    at += length;
  }
  for (let count = integer(4); count > 0; count--) {
    const alias = string();
    const target = weights.get(string());
    if (target === undefined) throw new Error(`${alias} has no target`);
    weights.set(alias, target);
  }
  return weights;
}
