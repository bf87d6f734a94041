/** Options of the embedded system, from the settings of a command. */
import { type CommandContext, printLine } from '../context.ts';
import type { EmbeddedOptions } from './system.ts';

export function embeddedOptions({ env, settings, stderr }: CommandContext, port: number): EmbeddedOptions {
  return {
    env,
    home: settings.home,
    port,
    namespace: settings.temporalNamespace,
    onMessage: (line) => printLine(stderr, `frameloom: ${line}`),
  };
}
