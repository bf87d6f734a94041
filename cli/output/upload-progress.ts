/** Progress of an upload on stderr, as part of the views of jobs and batches. */
import { formatBytes } from '../../core/format.ts';
import type { CommandContext } from '../context.ts';
import { formatBar } from './redrawn-line.ts';

/** Minimum time between two lines about uploads. */
const LINE_INTERVAL_MS = 2000;

/** The redrawn line of an upload. `sent` and `total` are bytes. */
export function formatUploadBar(sent: number, total: number, name: string): string {
  return `${name}  ${formatBar(total === 0 ? 1 : sent / total)} uploading ${formatBytes(sent)}`;
}

/** Returns a function that prints a line every 2 s, and then the last one. Shorter uploads print nothing. */
export function createUploadLines(
  out: CommandContext['stderr'],
): (sent: number, total: number, name: string) => void {
  let nextAt = Date.now() + LINE_INTERVAL_MS;
  let hasPrinted = false;
  return (sent, total, name) => {
    const now = Date.now();
    if (now < nextAt && !(hasPrinted && sent === total)) return;
    hasPrinted = sent < total;
    nextAt = now + LINE_INTERVAL_MS;
    out.write(`${name}: uploaded ${formatBytes(sent)} of ${formatBytes(total)}\n`);
  };
}
