/** One line of a terminal that is updated in place. */
import type { CommandContext } from '../context.ts';

export interface RedrawnLine {
  draw(text: string): void;
  clear(): void;
}

const BAR_WIDTH = 24;

export function createRedrawnLine(out: CommandContext['stderr']): RedrawnLine {
  let drawn = '';
  return {
    draw(text) {
      const line = text.slice(0, Math.max(20, (out.columns ?? 80) - 1));
      if (line !== drawn) out.write(`\r\x1b[K${line}`);
      drawn = line;
    },
    clear() {
      if (drawn !== '') out.write('\r\x1b[K');
      drawn = '';
    },
  };
}

/** Formats a progress bar. `share` is 0 to 1; `width` is in characters. */
export function formatBar(share: number, width = BAR_WIDTH): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}
