/** How commands start the embedded system from their settings. */
import { type CommandContext, printLine } from '../context.ts';
import type { EmbeddedOptions } from './system.ts';

/** Options for a system in the home of the settings. */
export function embeddedOptions({ env, settings, stderr }: CommandContext, port: number): EmbeddedOptions {
  return {
    env,
    home: settings.home,
    port,
    namespace: settings.temporalNamespace,
    onMessage: (line) => printLine(stderr, `frameloom: ${line}`),
  };
}
