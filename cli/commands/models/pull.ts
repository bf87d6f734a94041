/** `frameloom models pull`: downloads weights and shows the progress. */
import { formatBytes, formatCount } from '../../../core/format.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../../context.ts';
import { createTransferView } from '../../output/index.ts';
import { installationFolder, installedName, pullModel, type WeightSelection } from './installed-weights.ts';
import { lockPull } from './pull-lock.ts';
import { showEvent } from './pull-progress.ts';

/** Returns the exit code. Throws WeightsError. */
export async function pullModelCommand(choice: WeightSelection, context: CommandContext): Promise<number> {
  const { settings, signal, stdout, stderr } = context;
  const name = installedName(choice);
  const folder = installationFolder(choice, settings);
  await using _lock = await lockPull(folder);
  const view = createTransferView(stderr, name);
  try {
    const { fetched, bytes } = await pullModel(choice, settings, {
      signal,
      onEvent: (event) => showEvent(event, view),
      onWait: (message) => view.printMessage(`${message} Trying again.`),
    });
    view.close();
    printLine(
      stdout,
      fetched === 0
        ? `${name} is already complete: all checksums match.`
        : `${name} is ready: ${formatCount(fetched, 'file')}, ${formatBytes(bytes)}, all checksums match.`,
    );
    printLine(stdout, `    ${folder}`);
    if (settings.model !== name) printLine(stdout, `To use it, set FRAMELOOM_MODEL=${name}.`);
    return EXIT_CODES.complete;
  } finally {
    view.close();
  }
}
