/** `frameloom models pull`: downloads weights and shows the progress. */
import { formatBytes, formatCount, formatWait } from '../../../core/format.ts';
import type { PullEvent } from '../../../weights/index.ts';
import { type CommandContext, EXIT_CODES, printLine } from '../../context.ts';
import { createTransferView, type TransferView } from '../../output/index.ts';
import { installationFolder, installedName, pullModel, type WeightSelection } from './installed-weights.ts';
import { lockPull } from './pull-lock.ts';

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

function showEvent(event: PullEvent, view: TransferView): void {
  const { path, index, files, bytes, allBytes, allSize } = event;
  switch (event.type) {
    case 'checking':
    case 'fetching':
      view.update({
        verb: event.type === 'checking' ? 'checking' : 'downloading',
        path,
        index,
        files,
        bytes: allBytes,
        total: allSize,
      });
      return;
    case 'unchanged':
      view.printMessage(`${index + 1}/${files} ${path} is already there, ${formatBytes(bytes)}`);
      return;
    case 'done':
      view.printMessage(`${index + 1}/${files} ${path} downloaded, ${formatBytes(bytes)}`);
      return;
    case 'retry': {
      const { error, waitMs } = event.retry;
      const when = waitMs === 0 ? 'now' : `in ${formatWait(waitMs / 1000)}`;
      view.printMessage(
        `${path}: ${error.message} Trying again ${when}, from byte ${bytes.toLocaleString('en')}.`,
      );
      return;
    }
    default:
      event satisfies never;
  }
}
