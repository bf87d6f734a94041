/** Why a server cannot listen where the settings say. */
import { SettingsError } from './settings.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host name does not exist',
};

/** Converts the error of `listen` to a SettingsError that names the port and why it failed; others are returned as they are. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const reason = error instanceof Error && 'code' in error ? REASONS[String(error.code)] : undefined;
  if (reason === undefined) return error;
  return new SettingsError(
    `Port ${port} of ${host} cannot be used: ${reason}. Set FRAMELOOM_PORT or FRAMELOOM_HOST.`,
  );
}
