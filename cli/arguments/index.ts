export { given, numberOf, secondsOf } from './option-values.ts';
export {
  type Extras,
  REQUEST_USAGE,
  type RequestOptions,
  readRequest,
  withExtras,
} from './request-options.ts';
export { readSources, type Source, sourceName, uploadSource } from './sources.ts';
