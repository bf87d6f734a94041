export { writeZip, type ZipPart } from './write-zip.ts';
export { isValidPartName, openZip, type ZipPackage } from './zip.ts';
