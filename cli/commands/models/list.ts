/** `frameloom models list`: installed and bundled models with their variants. */
import { formatBytes } from '../../../core/format.ts';
import { inspectModelFolder } from '../../../phi3v/index.ts';
import { MODEL_CATALOGUE } from '../../../weights/index.ts';
import { findModels } from '../../../workers/models/index.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../../context.ts';
import { listAuxiliaryModels } from './auxiliary.ts';

export async function listModels(json: boolean, { settings, stdout }: CommandContext): Promise<number> {
  const found = await Promise.all(
    (await findModels(settings)).map(async ({ folder, profile }) => {
      const { complete, message } = await inspectModelFolder(folder);
      const { name, revision, license, download } = profile;
      const variants = MODEL_CATALOGUE.find((entry) => entry.name === name)?.variants.map((variant) => ({
        name: variant.name,
        description: variant.description,
        bytes: variant.bytes,
        repository: variant.repository,
        revision: variant.revision,
      }));
      return {
        name,
        purpose: 'see',
        revision,
        license,
        folder,
        complete,
        message,
        chosen: name === settings.model,
        download,
        variants,
      };
    }),
  );
  const auxiliary = await listAuxiliaryModels(settings);
  if (json) {
    printLine(stdout, JSON.stringify([...found, ...auxiliary], null, 2));
    return EXIT_CODES.complete;
  }
  for (const model of found) {
    printLine(
      stdout,
      `${model.chosen ? '*' : ' '} ${model.name}  see  ${model.complete ? 'ready' : 'weights missing'}`,
    );
    printLine(stdout, `    licence ${model.license}, revision ${model.revision}`);
    printLine(stdout, `    ${model.folder}`);
    printLine(stdout, `    ${model.message}`);
    for (const { name, description, bytes, repository } of model.variants ?? []) {
      printLine(stdout, `    --variant ${name}: ${description}; ${formatBytes(bytes)} from ${repository}`);
    }
  }
  for (const { name, purpose, description, license, bytes, complete, folder } of auxiliary) {
    printLine(stdout, `  ${name}  ${purpose}  ${complete ? 'ready' : 'not installed'}`);
    printLine(stdout, `    ${description}; licence ${license}, ${formatBytes(bytes)}`);
    printLine(stdout, `    ${complete ? folder : `frameloom models pull ${name}`}`);
  }
  printLine(stdout, '\n* is selected by FRAMELOOM_MODEL.');
  return EXIT_CODES.complete;
}
