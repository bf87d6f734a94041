/** `frameloom models` for the models that read text, transcribe speech and embed sentences. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../../config/settings.ts';
import { FrameloomError } from '../../../core/errors.ts';
import { formatBytes, formatCount } from '../../../core/format.ts';
import { extractCharacters } from '../../../ocr/index.ts';
import { convertWhisper } from '../../../speech/index.ts';
import {
  AUXILIARY_MODELS,
  type AuxiliaryModel,
  createHttpClient,
  createHubClient,
  pullAuxiliaryModel,
  readAuxiliaryManifest,
  readRegistries,
  verifyAuxiliaryModel,
} from '../../../weights/index.ts';
import { pulledModelsFolder } from '../../../workers/models/index.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../../context.ts';
import { createTransferView } from '../../output/index.ts';
import { lockPull } from './pull-lock.ts';
import { showEvent } from './pull-progress.ts';

export function findAuxiliaryModel(name: string): AuxiliaryModel | undefined {
  return AUXILIARY_MODELS.find((model) => model.name === name);
}

/** Returns the exit code. Throws WeightsError. */
export async function pullAuxiliaryCommand(model: AuxiliaryModel, context: CommandContext): Promise<number> {
  const { settings, signal, stdout, stderr } = context;
  const folder = auxiliaryFolder(model, settings);
  await using _lock = await lockPull(folder);
  const proxy = { http: settings.httpProxy, https: settings.httpsProxy, no: settings.noProxy };
  await using hub = createHubClient({ endpoint: settings.hfEndpoint, token: settings.hfToken, proxy });
  await using client = createHttpClient(proxy);
  const view = createTransferView(stderr, model.name);
  try {
    const { fetched, bytes } = await pullAuxiliaryModel(model, folder, {
      hub,
      client,
      registries: await readRegistries({ env: context.env, home: homedir() }),
      signal,
      convert: convertModel,
      onEvent: (event) => showEvent(event, view),
      onFallback: ({ message }, host) => view.printMessage(`${message} Trying ${host}.`),
    });
    view.close();
    printLine(
      stdout,
      fetched === 0
        ? `${model.name} is already complete: all checksums match.`
        : `${model.name} is ready: ${formatCount(fetched, 'file')}, ${formatBytes(bytes)}, all checksums match.`,
    );
    printLine(stdout, `    ${folder}`);
    return EXIT_CODES.complete;
  } finally {
    view.close();
  }
}

/** Checks every file of an installed model against its checksum. Returns the exit code. Throws WeightsError. */
export async function verifyAuxiliaryCommand(
  model: AuxiliaryModel,
  { json }: { readonly json: boolean },
  { settings, signal, stdout }: CommandContext,
): Promise<number> {
  const folder = auxiliaryFolder(model, settings);
  const manifest = await readAuxiliaryManifest(folder);
  if (manifest === undefined) {
    throw new FrameloomError('model_missing', `The model "${model.name}" is not installed.`);
  }
  const files = await verifyAuxiliaryModel(folder, manifest, signal);
  const bad = files.filter(({ state }) => state !== 'ok');
  if (json) {
    printLine(stdout, JSON.stringify({ name: model.name, ok: bad.length === 0, files }, null, 2));
  } else {
    for (const { path, state } of bad) printLine(stdout, `${state.padEnd(8)} ${path}`);
    printLine(
      stdout,
      bad.length === 0
        ? `${model.name} is complete: ${formatCount(files.length, 'file')}.`
        : `${model.name} is damaged. Run \`frameloom models pull ${model.name}\`: it replaces the damaged files.`,
    );
  }
  return bad.length === 0 ? EXIT_CODES.complete : EXIT_CODES.failed;
}

function auxiliaryFolder({ name }: AuxiliaryModel, settings: Settings): string {
  return join(pulledModelsFolder(settings), name);
}

/** State of each auxiliary model, for `models list`. */
export async function listAuxiliaryModels(settings: Settings) {
  return Promise.all(
    AUXILIARY_MODELS.map(async (model) => {
      const { name, purpose, description, license, files } = model;
      const folder = auxiliaryFolder(model, settings);
      const manifest = await readAuxiliaryManifest(folder);
      const bytes = (
        manifest?.files ?? files.map(({ sources }) => ({ bytes: sources[0].size.bytes }))
      ).reduce((sum, file) => sum + file.bytes, 0);
      return { name, purpose, description, license, folder, bytes, complete: manifest !== undefined };
    }),
  );
}

async function convertModel({ conversion }: AuxiliaryModel, folder: string): Promise<readonly string[]> {
  switch (conversion) {
    case undefined:
      return [];
    case 'ppocr-dictionary':
      return extractCharacters(folder);
    case 'ctranslate2-whisper':
      return convertWhisper(folder);
    default:
      throw new Error(`unknown conversion ${String(conversion satisfies never)}`);
  }
}
