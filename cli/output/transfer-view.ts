/** Progress of a large download on stderr: one redrawn line on a terminal, a line every 10 s otherwise. */
import { formatBytes, formatWait } from '../../core/format.ts';
import type { CommandContext } from '../context.ts';
import { createRedrawnLine, formatBar } from './redrawn-line.ts';

export interface TransferState {
  readonly verb: 'checking' | 'downloading';
  readonly path: string;
  readonly index: number;
  readonly files: number;
  readonly bytes: number;
  readonly total: number;
}

export interface TransferView {
  update(state: TransferState): void;
  /** Prints a separate line. */
  printMessage(text: string): void;
  /** Clears the redrawn line. Nothing is shown after this. */
  close(): void;
}

const BAR_WIDTH = 16;
const REDRAW_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 10_000;
/** Speed is averaged over this time. */
const SPEED_WINDOW_MS = 5000;

export function createTransferView(
  out: CommandContext['stderr'],
  name: string,
  now: () => number = Date.now,
): TransferView {
  const speed = createSpeedMeter(now);
  if (!out.isTTY) {
    let next = now() + LINE_INTERVAL_MS;
    return {
      update(state) {
        const rate = speed(state);
        if (now() < next) return;
        next = now() + LINE_INTERVAL_MS;
        out.write(`${name}: ${state.verb} ${amount(state, rate)}\n`);
      },
      printMessage: (text) => void out.write(`${name}: ${text}\n`),
      close() {},
    };
  }
  const { draw, clear } = createRedrawnLine(out);
  let next = 0;
  return {
    update(state) {
      const rate = speed(state);
      if (now() < next) return;
      next = now() + REDRAW_INTERVAL_MS;
      const { verb, path, index, files, bytes, total } = state;
      const bar = formatBar(total === 0 ? 1 : bytes / total, BAR_WIDTH);
      draw(`${bar} ${amount(state, rate)}  ${verb} ${index + 1}/${files} ${path}`);
    },
    printMessage(text) {
      clear();
      out.write(`${name}: ${text}\n`);
    },
    close: clear,
  };
}

/** `42% of 3.2 GB, 35.1 MB/s, 54 s left`. */
function amount({ bytes, total }: TransferState, rate: number | undefined): string {
  const percent = total === 0 ? 100 : Math.min(100, Math.floor((bytes / total) * 100));
  const parts = [`${percent}% of ${formatBytes(total)}`];
  if (rate !== undefined && rate > 0) {
    parts.push(`${formatBytes(Math.round(rate))}/s`, `${formatWait((total - bytes) / rate)} left`);
  }
  return parts.join(', ');
}

/**
 * Returns the recent speed in bytes per second, or undefined until it is known. A change of `verb` restarts
 * it.
 */
function createSpeedMeter(now: () => number): (state: TransferState) => number | undefined {
  let samples: { readonly at: number; readonly bytes: number }[] = [];
  let verb: TransferState['verb'] | undefined;
  return (state) => {
    const last = samples.at(-1);
    // Fewer bytes than before: a file was discarded and starts again.
    if (state.verb !== verb || (last !== undefined && state.bytes < last.bytes)) samples = [];
    verb = state.verb;
    const at = now();
    if (last === undefined || samples.length === 0 || at - last.at >= REDRAW_INTERVAL_MS) {
      samples.push({ at, bytes: state.bytes });
      while (samples.length > 2 && at - (samples[1]?.at ?? at) > SPEED_WINDOW_MS) samples.shift();
    }
    const first = samples[0];
    if (first === undefined || at - first.at < REDRAW_INTERVAL_MS) return undefined;
    return ((state.bytes - first.bytes) / (at - first.at)) * 1000;
  };
}
