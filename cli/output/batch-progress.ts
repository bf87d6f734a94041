/** Progress of a batch on stderr: one redrawn line on a terminal, separate lines otherwise. */

import { formatWait } from '../../core/format.ts';
import type { Batch } from '../../schema/batch.ts';
import type { CommandContext } from '../context.ts';
import { createRedrawnLine, formatBar } from './redrawn-line.ts';
import { createUploadLines, formatUploadBar } from './upload-progress.ts';

export interface BatchView {
  /** Shows the upload of the batch file, in bytes. */
  showUpload(sent: number, total: number): void;
  show(batch: Batch): void;
  /** Clears the redrawn line. Nothing is shown after this. */
  close(): void;
}

/** Minimum time between two lines with the same status. */
const LINE_INTERVAL_MS = 5000;

/** `now` returns milliseconds. */
export function createBatchView(
  out: CommandContext['stderr'],
  name: string,
  now: () => number = Date.now,
): BatchView {
  let first: { readonly at: number; readonly done: number } | undefined;

  /**
   * Seconds until the end, extrapolated from the progress since the first call. Undefined until a job has
   * ended.
   */
  function left({ request_counts: { total, completed, failed } }: Batch): number | undefined {
    first ??= { at: now(), done: completed + failed };
    const done = completed + failed - first.done;
    if (done === 0) return undefined;
    return (((now() - first.at) / done) * (total - completed - failed)) / 1000;
  }
  return out.isTTY ? bar(out, name, left) : lines(out, name, now);
}

function bar(
  out: CommandContext['stderr'],
  name: string,
  left: (batch: Batch) => number | undefined,
): BatchView {
  const { draw, clear } = createRedrawnLine(out);
  return {
    showUpload: (sent, total) => draw(formatUploadBar(sent, total, name)),
    show(batch) {
      const { total, completed, failed } = batch.request_counts;
      const wait = left(batch);
      const rest = wait === undefined || batch.status !== 'in_progress' ? '' : `, ${formatWait(wait)} left`;
      draw(`${name}  ${formatBar((completed + failed) / total)} ${formatBatchCounts(batch)}${rest}`);
    },
    close: clear,
  };
}

function lines(out: CommandContext['stderr'], name: string, now: () => number): BatchView {
  let shown = '';
  let status: string | undefined;
  let next = 0;
  const writeUpload = createUploadLines(out);
  return {
    showUpload: (sent, total) => writeUpload(sent, total, name),
    show(batch) {
      const text = formatBatchCounts(batch);
      if (text === shown || (batch.status === status && now() < next)) return;
      shown = text;
      status = batch.status;
      next = now() + LINE_INTERVAL_MS;
      out.write(`${name}: ${text}\n`);
    },
    close() {},
  };
}

/**
 * Such as `in progress, 12 of 40 done, 1 failed; 0.12 EUR`. The cost is left out where there are no prices.
 */
export function formatBatchCounts({
  status,
  request_counts: { total, completed, failed },
  usage,
}: Batch): string {
  const broken = failed === 0 ? '' : `, ${failed} failed`;
  const cost = usage?.cost.toLocaleString('en', { maximumSignificantDigits: 3 });
  const spent = usage?.currency ? `; ${cost} ${usage.currency}` : '';
  return `${status.replace('_', ' ')}, ${completed} of ${total} done${broken}${spent}`;
}
