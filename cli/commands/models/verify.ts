/** `frameloom models verify`: checks the files of an installed model against their checksums. */
import { resolve } from 'node:path';
import { FrameloomError } from '../../../core/errors.ts';
import { formatBytes, formatCount } from '../../../core/format.ts';
import { MODEL_CATALOGUE, verifyWeights, WeightsError } from '../../../weights/index.ts';
import { findModels, type InstalledModel } from '../../../workers/models/index.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../../context.ts';
import { createTransferView } from '../../output/index.ts';
import {
  findPublishedWeights,
  installationFolder,
  installedName,
  type WeightSelection,
} from './installed-weights.ts';
import {
  findSelectionByInstalledName,
  parseWeightSelection,
  type WeightOptions,
} from './weight-selection.ts';

/**
 * Without a variant or dtype, `name` is the name of an installed model. Returns the exit code. Throws
 * WeightsError.
 */
export async function verifyModelCommand(
  name: string,
  args: WeightOptions & { readonly json: boolean },
  context: CommandContext,
): Promise<number> {
  const { signal, stdout, stderr } = context;
  const selection =
    args.variant || args.dtype ? parseWeightSelection(name, args) : findSelectionByInstalledName(name);
  const model = await findInstalledModel(selection === undefined ? name : installedName(selection), context);
  const set = await findPublishedWeights(model);
  if (set === undefined) {
    throw new WeightsError('no_checksums', `${model.profile.name} has no published checksums.`);
  }
  const view = createTransferView(stderr, model.profile.name);
  let bytes = 0;
  try {
    const report = await verifyWeights(model.folder, set, signal, (event) => {
      bytes = event.bytes;
      view.update({ ...event, verb: 'checking' });
    });
    view.close();
    const bad = report.filter(({ state }) => state !== 'ok');
    if (args.json) {
      printLine(
        stdout,
        JSON.stringify({ name: model.profile.name, ok: bad.length === 0, files: report }, null, 2),
      );
    } else {
      for (const { path, state } of bad) printLine(stdout, `${state.padEnd(8)} ${path}`);
      printLine(stdout, describeOutcome(model, bad.length, report.length, bytes));
      if (bad.length > 0)
        printLine(stdout, repairAdvice(model, selection && { selection, dtype: args.dtype }, context));
    }
    return bad.length === 0 ? EXIT_CODES.complete : EXIT_CODES.failed;
  } finally {
    view.close();
  }
}

async function findInstalledModel(name: string, { settings }: CommandContext): Promise<InstalledModel> {
  const model = (await findModels(settings)).find(({ profile }) => profile.name === name);
  if (model === undefined) {
    throw new FrameloomError('model_missing', `The model "${name}" is not installed.`);
  }
  return model;
}

function describeOutcome({ profile }: InstalledModel, bad: number, files: number, bytes: number): string {
  return bad === 0
    ? `${profile.name} is complete: ${formatCount(files, 'file')}, ${formatBytes(bytes)}, revision ${profile.revision}.`
    : `${profile.name} is damaged: ${bad} of ${formatCount(files, 'file')} missing or damaged.`;
}

/**
 * How to repair the model. A pull repairs only the folder it writes to, not files that were copied elsewhere.
 */
function repairAdvice(
  { folder }: InstalledModel,
  source: { readonly selection: WeightSelection; readonly dtype: string | undefined } | undefined,
  { settings }: CommandContext,
): string {
  if (source === undefined) return 'Pull the model again with the same options: intact files are kept.';
  const command = pullCommand(source.selection, source.dtype);
  return resolve(folder) === installationFolder(source.selection, settings)
    ? `Run \`${command}\`: it downloads these files and keeps the others.`
    : `Copy these files to the model folder again, or run \`${command}\` to download a separate copy.`;
}

function pullCommand({ model, variant }: WeightSelection, dtype: string | undefined): string {
  const isFirst = MODEL_CATALOGUE.some((entry) => entry.variants[0] === variant);
  return [
    `frameloom models pull ${model}`,
    ...(isFirst ? [] : [`--variant ${variant.name}`]),
    ...(dtype === undefined ? [] : [`--dtype ${dtype}`]),
  ].join(' ');
}
