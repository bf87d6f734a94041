/** `frameloom models list`: which models there are, whether their weights are, and how to get them. */

import { inspectModelFolder } from '../../workers/model-status.ts';
import { findModels } from '../../workers/models.ts';
import { type Command, EXIT, parseCommandLine, printLine, UsageError } from '../context.ts';

export const models: Command = {
  summary: 'list models and how to get their weights',
  usage: `usage: frameloom models list [--json]

Lists the models that come with the package and those in FRAMELOOM_MODELS. FRAMELOOM_MODEL chooses the one that
workers load.`,

  async run(args, { settings, stdout }) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (positionals.length !== 1 || positionals[0] !== 'list') throw new UsageError('say list.');
    const found = await Promise.all(
      (await findModels(settings.models)).map(async ({ folder, profile }) => {
        const { complete, message } = await inspectModelFolder(folder);
        const { name, revision, license, download } = profile;
        return {
          name,
          revision,
          license,
          folder,
          complete,
          message,
          chosen: name === settings.model,
          download,
        };
      }),
    );
    if (values.json) {
      printLine(stdout, JSON.stringify(found, null, 2));
      return EXIT.complete;
    }
    for (const model of found) {
      printLine(
        stdout,
        `${model.chosen ? '*' : ' '} ${model.name}  ${model.complete ? 'ready' : 'weights missing'}`,
      );
      printLine(stdout, `    licence ${model.license}, revision ${model.revision}`);
      printLine(stdout, `    ${model.folder}`);
      printLine(stdout, `    ${model.message}`);
    }
    printLine(stdout, '\n* is what FRAMELOOM_MODEL names.');
    return EXIT.complete;
  },
};
