/** `frameloom models verify`. */
import { resolve } from 'node:path';
import { FrameloomError } from '../../../core/errors.ts';
import { formatBytes, formatCount } from '../../../core/format.ts';
import { CATALOGUE, verifyWeights, WeightsError } from '../../../weights/index.ts';
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

/** `args` name a variant as for `pull`; without them `name` is that of any model that is there. Throws WeightsError. */
export async function verifyModelCommand(
  name: string,
  args: WeightOptions & { readonly json: boolean },
  context: CommandContext,
): Promise<number> {
  const { signal, stdout, stderr } = context;
  const choice =
    args.variant || args.dtype ? parseWeightSelection(name, args) : findSelectionByInstalledName(name);
  const model = await installed(choice === undefined ? name : installedName(choice), context);
  const set = await findPublishedWeights(model);
  if (set === undefined) {
    throw new WeightsError('no_checksums', `There are no published checksums of ${model.profile.name}.`);
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
      printLine(stdout, conclusion(model, bad.length, report.length, bytes));
      if (bad.length > 0) printLine(stdout, advice(model, choice && { choice, dtype: args.dtype }, context));
    }
    return bad.length === 0 ? EXIT_CODES.complete : EXIT_CODES.failed;
  } finally {
    view.close();
  }
}

async function installed(name: string, { settings }: CommandContext): Promise<InstalledModel> {
  const model = (await findModels(settings)).find(({ profile }) => profile.name === name);
  if (model === undefined) {
    throw new FrameloomError('model_missing', `There is no model "${name}" here, so nothing to verify.`);
  }
  return model;
}

function conclusion({ profile }: InstalledModel, bad: number, files: number, bytes: number): string {
  return bad === 0
    ? `${profile.name} is right: ${formatCount(files, 'file')}, ${formatBytes(bytes)}, revision ${profile.revision}.`
    : `${profile.name} is not right: ${bad} of ${formatCount(files, 'file')} missing or damaged.`;
}

/** Pulling mends the folder that it writes to; files that were put elsewhere by hand are not touched by it. */
function advice(
  { folder }: InstalledModel,
  source: { readonly choice: WeightSelection; readonly dtype: string | undefined } | undefined,
  { settings }: CommandContext,
): string {
  if (source === undefined) return 'Pull the model again, as it was pulled: files that are right stay.';
  const command = pullCommand(source.choice, source.dtype);
  return resolve(folder) === installationFolder(source.choice, settings)
    ? `Run \`${command}\`: it fetches these files and leaves the others.`
    : `Copy these files into the model folder again, or run \`${command}\` for a copy that is kept right.`;
}

function pullCommand({ model, variant }: WeightSelection, dtype: string | undefined): string {
  const isFirst = CATALOGUE.some((entry) => entry.variants[0] === variant);
  return [
    `frameloom models pull ${model}`,
    ...(isFirst ? [] : [`--variant ${variant.name}`]),
    ...(dtype === undefined ? [] : [`--dtype ${dtype}`]),
  ].join(' ');
}
