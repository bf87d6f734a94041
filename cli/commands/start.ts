/** `frameloom start`: the embedded system until Ctrl-C. What `npm start` runs. */
import { type Command, EXIT_CODES, parseCommandLine, printLine } from '../context.ts';
import { embeddedOptions, isPortFree, startEmbeddedSystem } from '../embedded/index.ts';

export const start: Command = {
  summary: 'run the whole system on this machine: API, console, workers, Temporal',
  usage: `usage: frameloom start

Runs everything on this machine until Ctrl-C, with all data in FRAMELOOM_HOME. API and console listen on
FRAMELOOM_PORT, or without that setting on 8484 or, where that is taken, a free port. TEMPORAL_ADDRESS set: that
server is used instead of an own one.`,

  async run(args, context) {
    parseCommandLine({ args: [...args], options: {} });
    const { env, settings, stdout, stderr, signal } = context;
    const port = env.FRAMELOOM_PORT || (await isPortFree(settings.port, settings.host)) ? settings.port : 0;
    const system = await startEmbeddedSystem(embeddedOptions(context, port), signal).catch(
      (error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      },
    );
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
