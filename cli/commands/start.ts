/** `frameloom start`: runs the embedded system until Ctrl-C. `npm start` runs it. */
import { type Command, EXIT_CODES, parseCommandLine, printLine } from '../context.ts';
import { embeddedOptions, isPortFree, startEmbeddedSystem } from '../embedded/index.ts';

export const start: Command = {
  summary: 'run the whole system on this machine: API, console, workers, Temporal',
  usage: `usage: frameloom start

Runs the whole system on this machine until Ctrl-C, with all data in FRAMELOOM_HOME. The API and the console listen on
FRAMELOOM_PORT; without that setting, on 8484 or, if that port is taken, on a free one. With TEMPORAL_ADDRESS, that
Temporal server is used instead of an embedded one.`,

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
