export { matchesTag, parseRange } from './byte-range.ts';
export {
  detachSecrets,
  findRequest,
  replacePasswords,
  requireSameRequest,
  storeRequest,
} from './detach-secrets.ts';
export {
  displayName,
  findFile,
  listFiles,
  readFile,
  requireFiles,
  storeFile,
  storeFileRecord,
} from './file-records.ts';
export { type FormPart, formBoundary, formParts } from './multipart.ts';
