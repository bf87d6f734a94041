export { ChildProcessError } from './child-process-error.ts';
export { embeddedOptions } from './embedded-options.ts';
export { findRunningSystem, findRunningTemporal, HomeInUseError } from './home-lock.ts';
export type { ReadyMessage } from './roles.ts';
export { startEmbeddedSystem } from './system.ts';
