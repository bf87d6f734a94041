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

/** Returns a function that prints separate lines: the last one of each upload, and one every 2 s before. */
export function createUploadLines(
  out: CommandContext['stderr'],
): (sent: number, total: number, name: string) => void {
  let nextAt = Date.now() + LINE_INTERVAL_MS;
  return (sent, total, name) => {
    const now = Date.now();
    if (sent < total && now < nextAt) return;
    nextAt = now + LINE_INTERVAL_MS;
    out.write(`${name}: uploaded ${formatBytes(sent)} of ${formatBytes(total)}\n`);
  };
}
