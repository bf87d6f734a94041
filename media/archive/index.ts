export { openZip, type ZipPackage } from './zip.ts';
export { writeZip, type ZipPart } from './zip-writer.ts';
