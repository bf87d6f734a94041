/** Adds up the progress of the files of a pull, because each event contains the totals. */
import type { RetryEvent } from './retry.ts';

/** Progress of a pull. */
export type PullEvent = {
  readonly path: string;
  readonly index: number;
  readonly files: number;
  /** Bytes of this file that are on disk and hashed, and its size, which may be rounded at first. */
  readonly bytes: number;
  readonly size: number;
  /** Sums over all files. */
  readonly allBytes: number;
  readonly allSize: number;
} & (
  | { readonly type: 'checking' | 'unchanged' | 'fetching' | 'done' }
  | { readonly type: 'retry'; readonly retry: RetryEvent }
);

export interface FileProgress {
  add(change: number, type: 'checking' | 'fetching'): void;
  reset(): void;
  resize(size: number): void;
  retry(event: RetryEvent): void;
  /** Returns the size of the file in bytes. */
  end(type: 'unchanged' | 'done'): number;
}

/** A file that is pulled. */
interface ExpectedFile {
  readonly path: string;
  readonly size: { readonly bytes: number };
}

export function trackProgress(
  files: readonly ExpectedFile[],
  onEvent: (event: PullEvent) => void,
): { file(index: number): FileProgress } {
  const states = files.map(({ path, size }) => ({ path, bytes: 0, size: size.bytes }));
  const sum = (key: 'bytes' | 'size'): number => states.reduce((total, state) => total + state[key], 0);
  return {
    file(index) {
      const state = states[index] ?? { path: '', bytes: 0, size: 0 };
      const event = () => ({
        ...state,
        index,
        files: files.length,
        allBytes: sum('bytes'),
        allSize: sum('size'),
      });
      return {
        add(change, type) {
          state.bytes += change;
          onEvent({ ...event(), type });
        },
        reset() {
          state.bytes = 0;
        },
        resize(size) {
          state.size = size;
        },
        retry(retry) {
          onEvent({ ...event(), type: 'retry', retry });
        },
        end(type) {
          state.size = state.bytes;
          onEvent({ ...event(), type });
          return state.bytes;
        },
      };
    },
  };
}
