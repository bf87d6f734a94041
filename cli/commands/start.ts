/** `frameloom start`: runs the embedded system until Ctrl-C. `npm start` runs it. */
import { type Command, EXIT_CODES, parseCommandLine, printLine } from '../context.ts';
import { embeddedOptions, startEmbeddedSystem } from '../embedded/index.ts';

export const start: Command = {
  summary: 'run the whole system on this machine: API, console, workers, Temporal',
  usage: `usage: frameloom start

Runs the whole system on this machine until Ctrl-C, with all data in FRAMELOOM_HOME. The API and the console listen on
FRAMELOOM_PORT; without that setting, on 8484 or, if that port is taken, on a free one. With TEMPORAL_ADDRESS, that
Temporal server is used instead of an embedded one.

Exit codes: 0 stopped, 1 failed, 2 wrong usage or a setting with which it cannot start, such as a port that is taken.`,

  async run(args, context) {
    parseCommandLine({ args: [...args], options: {} });
    const { settings, stdout, stderr, signal } = context;
    const system = await startEmbeddedSystem(embeddedOptions(context), signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (system === undefined) return EXIT_CODES.complete;
    printLine(stdout, `Frameloom is ready: ${system.url}`);
    printLine(stderr, `Data: ${settings.home}. Press Ctrl-C to stop.`);
    const ended = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const failure = await Promise.race([system.failed, ended]);
    printLine(stderr, 'frameloom: stopping');
    await system.stop();
    if (failure !== undefined) throw failure;
    return EXIT_CODES.complete;
  },
};
