export { embeddedOptions } from './embedded-options.ts';
export { findRunningSystem, findRunningTemporal, HomeInUseError } from './home-lock.ts';
export { isPortFree } from './ports.ts';
export type { ReadyMessage } from './roles.ts';
export { ChildProcessError } from './supervised-process.ts';
export { startEmbeddedSystem } from './system.ts';
