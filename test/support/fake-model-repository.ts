/** A small repository in the layout of Transformers.js, under the name and revision that the catalogue pins. */
import { createHash } from 'node:crypto';
import { CATALOGUE } from '../../weights/index.ts';
import { type FakeHub, noise, sha256 } from './fake-hub.ts';

const listed = CATALOGUE[0]?.variants.find(({ name }) => name === 'transformers.js');
if (listed?.kind !== 'listed') throw new Error('the catalogue has no listed variant');

export const REPOSITORY = listed.repository;
/** The pinned beginning of a commit id, and a whole one. */
export const PINNED = listed.revision;
export const SHA = `${PINNED}${'e'.repeat(40 - PINNED.length)}`;
export const API = `api/models/${REPOSITORY}`;
export const TREE = `${API}/tree/${SHA}?recursive=true`;

export const FILES: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from('{"model_type":"phi3_v"}\n'),
  'generation_config.json': Buffer.from('{"eos_token_id":[32007]}'),
  'preprocessor_config.json': Buffer.from('{}\n'),
  'tokenizer.json': noise('tokenizer', 3000),
  'tokenizer_config.json': Buffer.from(''),
  'README.md': Buffer.from('not needed'),
  'onnx/vision_encoder_q4.onnx': noise('vision', 5000),
  'onnx/prepare_inputs_embeds_q4.onnx': noise('embeds', 4000),
  'onnx/model_q4.onnx': noise('model', 2000),
  'onnx/model_q4.onnx_data': noise('part 0', 9000),
  'onnx/model_q4.onnx_data_1': noise('part 1', 7000),
  'onnx/model_q4f16.onnx': noise('f16', 8000),
};

/** What git calls a file: as `git hash-object` says of these two. */
const GIT_NAMES: Readonly<Record<string, string>> = {
  'preprocessor_config.json': '0967ef424bce6791893e9a57bb952f80fd536e93',
  'tokenizer_config.json': 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
};

/** A file as the server lists it. */
export function entry(path: string, files = FILES): unknown {
  const body = files[path] ?? Buffer.alloc(0);
  const size = body.length;
  if (path.startsWith('onnx/')) {
    // Of a large file, `oid` is the name of a pointer to it.
    return {
      type: 'file',
      path,
      size,
      oid: 'a'.repeat(40),
      lfs: { oid: sha256(body), size, pointerSize: 134 },
    };
  }
  const known = files === FILES ? GIT_NAMES[path] : undefined;
  const oid = known ?? createHash('sha1').update(`blob ${size}\0`).update(body).digest('hex');
  return { type: 'file', path, size, oid };
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Where a file is fetched from. */
export const addressOf = (path: string): string => `${REPOSITORY}/resolve/${SHA}/${path}`;

export function publishRepository(server: FakeHub, files = FILES): void {
  server.content.set(`${API}/revision/${PINNED}`, json({ sha: SHA }));
  const folder = { type: 'directory', path: 'onnx', size: 0, oid: 'b'.repeat(40) };
  server.content.set(TREE, json([folder, ...Object.keys(files).map((path) => entry(path, files))]));
  for (const [path, body] of Object.entries(files)) server.content.set(addressOf(path), body);
}
