export { HomeInUseError, runningSystem, runningTemporal } from './home-lock.ts';
export { embeddedOptions } from './options.ts';
export { isFree } from './ports.ts';
export type { ReadyMessage } from './roles.ts';
export { ChildProcessError } from './supervised-child.ts';
export { startEmbedded } from './system.ts';
