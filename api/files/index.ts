export {
  detachSecrets,
  findRequest,
  readRequest,
  replacePasswords,
  requireSameRequest,
  storeRequest,
} from './detach-secrets.ts';
export { displayName, findFile, keepFile, keepRecord, readFile, requireFiles } from './file-records.ts';
export { type FormPart, formBoundary, formParts } from './multipart.ts';
