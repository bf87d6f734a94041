/** Graceful shutdown of a process, with a time limit. */

/** A process that still runs this long after the first signal exits at once. */
const SHUTDOWN_TIMEOUT_MS = 25_000;

/**
 * Returns a signal that aborts on SIGINT, SIGTERM and SIGHUP, and, in a child of the embedded system, when
 * its supervisor ends. A second signal, or 25 s without an exit, ends the process at once.
 */
export function createShutdownSignal(self: NodeJS.Process): AbortSignal {
  const controller = new AbortController();
  const end = (code: number): void => {
    if (controller.signal.aborted) self.exit(code);
    controller.abort();
    setTimeout(() => self.exit(code), SHUTDOWN_TIMEOUT_MS).unref();
  };
  self.on('SIGINT', () => end(130));
  self.on('SIGTERM', () => end(143));
  self.on('SIGHUP', () => end(129));
  if (self.send !== undefined) {
    // A process that shuts down closes the channel itself.
    self.on('disconnect', () => {
      if (!controller.signal.aborted) end(1);
    });
    if (!self.connected) end(1);
  }
  return controller.signal;
}
