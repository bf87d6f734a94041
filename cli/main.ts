/** The `frameloom` command. */

import { loadSettings } from '../config/settings.ts';
import { type Command, EXIT_CODES, printLine } from './context.ts';
import { packageVersion } from './package-root.ts';
import { printError } from './print-error.ts';
import { createShutdownSignal } from './shutdown-signal.ts';

/** Time that remains for output after a command has ended. */
const EXIT_DELAY_MS = 1000;

/** Commands by name. Each module is loaded only when needed. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  summarize: async () => (await import('./commands/summarize.ts')).summarize,
  estimate: async () => (await import('./commands/estimate.ts')).estimate,
  frames: async () => (await import('./commands/frames/index.ts')).frames,
  batch: async () => (await import('./commands/batch/index.ts')).batch,
  jobs: async () => (await import('./commands/jobs.ts')).jobs,
  start: async () => (await import('./commands/start.ts')).start,
  serve: async () => (await import('./commands/serve.ts')).serve,
  'serve-model': async () => (await import('./commands/serve-model.ts')).serveModel,
  worker: async () => (await import('./commands/worker.ts')).worker,
  models: async () => (await import('./commands/models/index.ts')).models,
  gc: async () => (await import('./commands/gc.ts')).gc,
  doctor: async () => (await import('./commands/doctor/index.ts')).doctor,
};

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === '--version' || name === '-v') {
    printLine(process.stdout, packageVersion());
    return EXIT_CODES.complete;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    printLine(name === undefined ? process.stderr : process.stdout, await overview());
    return name === undefined ? EXIT_CODES.usage : EXIT_CODES.complete;
  }
  const command = Object.hasOwn(COMMANDS, name) ? await COMMANDS[name]?.() : undefined;
  if (command === undefined) {
    printLine(process.stderr, `frameloom: unknown command "${name}".\n\n${await overview()}`);
    return EXIT_CODES.usage;
  }
  if (args.includes('--help') || args.includes('-h')) {
    printLine(process.stdout, command.usage);
    return EXIT_CODES.complete;
  }
  try {
    return await command.run(args, {
      env: process.env,
      settings: loadSettings(process.env),
      stdout: process.stdout,
      stderr: process.stderr,
      signal: createShutdownSignal(process),
    });
  } catch (error) {
    return printError(error, process.stderr, command.usage);
  }
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(12)} ${(await load()).summary}`),
  );
  return [
    'Turns long videos and slide decks into timed, evidence-linked summaries.',
    '',
    'usage: frameloom COMMAND [options]',
    '',
    ...lines,
    '',
    'Run frameloom COMMAND --help for details. Settings: docs/settings.md.',
  ].join('\n');
}

// A reader such as head(1) closes the output when it has enough: that is not an error.
process.stdout.on('error', () => process.exit(EXIT_CODES.complete));

process.exitCode = await main(process.argv.slice(2));
// The channel to a supervisor, and connections that a failed start left open, would keep the process running.
if (process.connected) process.disconnect();
setTimeout(() => process.exit(), EXIT_DELAY_MS).unref();
