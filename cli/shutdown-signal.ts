/** When a process has to end, and that it does. */

/** After being told to end, a process that still runs is ended by force. */
const LAST_MOMENT_MS = 25_000;

/**
 * Aborts on SIGINT, SIGTERM and SIGHUP, and, in a child of the embedded system, when its supervisor is gone. A second
 * signal, or 25 s without leaving, ends the process at once.
 */
export function createShutdownSignal(self: NodeJS.Process): AbortSignal {
  const controller = new AbortController();
  const end = (code: number): void => {
    if (controller.signal.aborted) self.exit(code);
    controller.abort();
    setTimeout(() => self.exit(code), LAST_MOMENT_MS).unref();
  };
  self.on('SIGINT', () => end(130));
  self.on('SIGTERM', () => end(143));
  self.on('SIGHUP', () => end(129));
  if (self.send !== undefined) {
    // A process that is leaving closes the channel itself.
    self.on('disconnect', () => {
      if (!controller.signal.aborted) end(1);
    });
    if (!self.connected) end(1);
  }
  return controller.signal;
}
