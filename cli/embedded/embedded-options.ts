/** Options of the embedded system, from the settings of a command. */
import { type CommandContext, printLine } from '../context.ts';
import type { EmbeddedOptions } from './system.ts';

/** `port`: where the API listens; without it, where the settings say. 0 takes a free one. */
export function embeddedOptions({ env, settings, stderr }: CommandContext, port?: number): EmbeddedOptions {
  return {
    env,
    home: settings.home,
    listen: { port: port ?? settings.port, host: settings.host, isDefault: !env.FRAMELOOM_PORT },
    namespace: settings.temporalNamespace,
    onMessage: (line) => printLine(stderr, `frameloom: ${line}`),
  };
}
