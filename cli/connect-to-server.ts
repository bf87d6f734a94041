/**
 * The server of a command: FRAMELOOM_URL, else the system that runs in this home, else one started for the
 * command.
 */
import { createClient, type FrameloomClient } from '../client/index.ts';
import type { CommandContext } from './context.ts';
import { embeddedOptions, findRunningSystem, startEmbeddedSystem } from './embedded/index.ts';

export interface ServerConnection {
  readonly client: FrameloomClient;
  readonly url: string;
  /** Whether the server was started for this command and stops with it. */
  readonly isEmbedded: boolean;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Throws the errors of `startEmbeddedSystem` where it starts one. */
export async function connectToServer(context: CommandContext): Promise<ServerConnection> {
  const { settings, signal } = context;
  const url = settings.url ?? (await findRunningSystem(settings.home));
  const key = settings.apiKey === undefined ? {} : { apiKey: settings.apiKey };
  if (url !== undefined) {
    return {
      client: createClient({ url, ...key }),
      url,
      isEmbedded: false,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const system = await startEmbeddedSystem(embeddedOptions(context, 0), signal);
  return {
    client: createClient({ url: system.url, ...key }),
    url: system.url,
    isEmbedded: true,
    [Symbol.asyncDispose]: system.stop,
  };
}
