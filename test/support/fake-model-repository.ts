/** A small repository in the layout of Transformers.js, with the name and revision that the catalogue pins. */
import { createHash } from 'node:crypto';
import { MODEL_CATALOGUE } from '../../weights/index.ts';
import { type FakeHub, seededBytes, sha256 } from './fake-hub.ts';

const listed = MODEL_CATALOGUE[0]?.variants.find(({ name }) => name === 'transformers.js');
if (listed?.kind !== 'listed') throw new Error('the catalogue has no listed variant');

export const REPOSITORY = listed.repository;
/** The pinned prefix of a commit id, and a full commit id. */
export const PINNED_REVISION = listed.revision;
export const COMMIT_SHA = `${PINNED_REVISION}${'e'.repeat(40 - PINNED_REVISION.length)}`;
export const API_PATH = `api/models/${REPOSITORY}`;
export const TREE_PATH = `${API_PATH}/tree/${COMMIT_SHA}?recursive=true`;

export const FILES: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from('{"model_type":"phi3_v"}\n'),
  'generation_config.json': Buffer.from('{"eos_token_id":[32007]}'),
  'preprocessor_config.json': Buffer.from('{}\n'),
  'tokenizer.json': seededBytes('tokenizer', 3000),
  'tokenizer_config.json': Buffer.from(''),
  'README.md': Buffer.from('not needed'),
  'onnx/vision_encoder_q4.onnx': seededBytes('vision', 5000),
  'onnx/prepare_inputs_embeds_q4.onnx': seededBytes('embeds', 4000),
  'onnx/model_q4.onnx': seededBytes('model', 2000),
  'onnx/model_q4.onnx_data': seededBytes('part 0', 9000),
  'onnx/model_q4.onnx_data_1': seededBytes('part 1', 7000),
  'onnx/model_q4f16.onnx': seededBytes('f16', 8000),
};

/** Git object ids of two files, as printed by `git hash-object`. */
const GIT_OBJECT_IDS: Readonly<Record<string, string>> = {
  'preprocessor_config.json': '0967ef424bce6791893e9a57bb952f80fd536e93',
  'tokenizer_config.json': 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
};

/** The entry of a file in the listing of the server. */
export function listingEntry(path: string, files = FILES): unknown {
  const body = files[path] ?? Buffer.alloc(0);
  const size = body.length;
  if (path.startsWith('onnx/')) {
    // The `oid` of a large file is that of its LFS pointer.
    return {
      type: 'file',
      path,
      size,
      oid: 'a'.repeat(40),
      lfs: { oid: sha256(body), size, pointerSize: 134 },
    };
  }
  const known = files === FILES ? GIT_OBJECT_IDS[path] : undefined;
  const oid = known ?? createHash('sha1').update(`blob ${size}\0`).update(body).digest('hex');
  return { type: 'file', path, size, oid };
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Path from which a file is downloaded. */
export const downloadPath = (path: string): string => `${REPOSITORY}/resolve/${COMMIT_SHA}/${path}`;

export function publishRepository(server: FakeHub, files = FILES): void {
  server.content.set(`${API_PATH}/revision/${PINNED_REVISION}`, json({ sha: COMMIT_SHA }));
  const folder = { type: 'directory', path: 'onnx', size: 0, oid: 'b'.repeat(40) };
  server.content.set(
    TREE_PATH,
    json([folder, ...Object.keys(files).map((path) => listingEntry(path, files))]),
  );
  for (const [path, body] of Object.entries(files)) server.content.set(downloadPath(path), body);
}
