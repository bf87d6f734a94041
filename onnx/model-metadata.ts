/** Reads the custom metadata of a graph file, which the JavaScript API of ONNX Runtime does not expose. */
import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs/minimal.js';
import { ModelError } from './model-error.ts';

/** Field numbers of `onnx.proto`. */
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;

/**
 * Returns `metadata_props` of the graph at `path`. The whole file is read: for small graphs only.
 *
 * @throws ModelError `model_invalid` if the file is not a graph.
 */
export async function readModelMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const reader = protobuf.Reader.create(await readFile(path));
  const metadata = new Map<string, string>();
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === METADATA_PROPS) {
        const [key, value] = readEntry(reader);
        metadata.set(key, value);
      } else {
        reader.skipType(tag & 7);
      }
    }
  } catch (cause) {
    throw new ModelError('model_invalid', 'A file of the model is not an ONNX graph.', { cause });
  }
  return metadata;
}

function readEntry(reader: protobuf.Reader): readonly [key: string, value: string] {
  const end = reader.uint32() + reader.pos;
  let key = '';
  let value = '';
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === KEY) key = reader.string();
    else if (tag >>> 3 === VALUE) value = reader.string();
    else reader.skipType(tag & 7);
  }
  return [key, value];
}
