/** Shows the progress of a pull. */
import { formatBytes, formatWait } from '../../../core/format.ts';
import type { PullEvent } from '../../../weights/index.ts';
import type { TransferView } from '../../output/index.ts';

export function showEvent(event: PullEvent, view: TransferView): void {
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
