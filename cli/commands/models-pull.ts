/** `frameloom models pull`. */
import { formatBytes, formatCount, formatWait } from '../../core/format.ts';
import type { PullEvent } from '../../weights/index.ts';
import { type CommandContext, EXIT, printLine } from '../context.ts';
import { type TransferView, transferView } from '../output/index.ts';
import { installedName, pullFolder, pullModel, type WeightChoice } from './model-weights.ts';
import { lockPull } from './pull-lock.ts';

/** Throws WeightsError. */
export async function pull(choice: WeightChoice, context: CommandContext): Promise<number> {
  const { settings, signal, stdout, stderr } = context;
  const name = installedName(choice);
  const folder = pullFolder(choice, settings);
  await using _lock = await lockPull(folder);
  const view = transferView(stderr, name);
  try {
    const { fetched, bytes } = await pullModel(choice, settings, {
      signal,
      onEvent: (event) => show(event, view),
      onWait: (message) => view.say(`${message} Trying again.`),
    });
    view.close();
    printLine(
      stdout,
      fetched === 0
        ? `${name} was complete: every file is there, with the right checksum.`
        : `${name} is ready: ${formatCount(fetched, 'file')}, ${formatBytes(bytes)}, every checksum right.`,
    );
    printLine(stdout, `    ${folder}`);
    if (settings.model !== name) printLine(stdout, `Use it with FRAMELOOM_MODEL=${name}.`);
    return EXIT.complete;
  } finally {
    view.close();
  }
}

function show(event: PullEvent, view: TransferView): void {
  const { path, index, files, bytes, allBytes, allSize } = event;
  switch (event.type) {
    case 'checking':
    case 'fetching':
      view.at({ verb: event.type, path, index, files, bytes: allBytes, total: allSize });
      return;
    case 'kept':
      view.say(`${index + 1}/${files} ${path} was there, ${formatBytes(bytes)}`);
      return;
    case 'done':
      view.say(`${index + 1}/${files} ${path} fetched, ${formatBytes(bytes)}`);
      return;
    case 'retry': {
      const { error, waitMs } = event.retry;
      const when = waitMs === 0 ? 'at once' : `in ${formatWait(waitMs / 1000)}`;
      view.say(`${path}: ${error.message} Trying again ${when}, from byte ${bytes.toLocaleString('en')} on.`);
      return;
    }
    default:
      event satisfies never;
  }
}
