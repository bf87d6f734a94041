export { definedMember, parseNumber, parseSeconds } from './option-values.ts';
export {
  type Attachments,
  REQUEST_USAGE,
  type RequestOptions,
  readRequestArguments,
  uploadAttachments,
} from './request-options.ts';
export { readSource, type Source, sourceName, uploadSource } from './sources.ts';
