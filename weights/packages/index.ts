export { locatePackageFile } from './locate.ts';
export { readMember } from './members.ts';
export type { PackageFile } from './package-file.ts';
export { type Registries, type RegistryEnvironment, readRegistries } from './registries.ts';
