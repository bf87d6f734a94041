/** Counts failures by the address of the client, in bounded memory. */

const WINDOW_MS = 60_000;
/** Failures of one address in a minute that have no consequence: a wrong setting, tried a few times. */
const FREE_FAILURES = 10;
/** The addresses that are remembered. Beyond that, the oldest is forgotten. */
const MAX_ADDRESSES = 10_000;

export interface FailureCounter {
  /** Counts a failure. Returns the seconds to wait before the next attempt, or 0 if there were few. */
  count(address: string): number;
}

/** `now` is in milliseconds. */
export function createFailureCounter(now: () => number): FailureCounter {
  const windows = new Map<string, { readonly start: number; failures: number }>();
  return {
    count(address) {
      const network = networkOf(address);
      const known = windows.get(network);
      const window = known && now() - known.start < WINDOW_MS ? known : { start: now(), failures: 0 };
      window.failures += 1;
      windows.delete(network);
      windows.set(network, window);
      const oldest = windows.size > MAX_ADDRESSES ? windows.keys().next().value : undefined;
      if (oldest !== undefined) windows.delete(oldest);
      if (window.failures <= FREE_FAILURES) return 0;
      return Math.max(1, Math.ceil((window.start + WINDOW_MS - now()) / 1000));
    },
  };
}

/** A client has a whole /64 of IPv6 addresses. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return plain.includes(':') ? plain.split(':').slice(0, 4).join(':') : plain;
}
