/** What a model folder holds, for `frameloom doctor` and `frameloom models`, without loading the model. */
export { inspectModelFolder, type ModelFolderReport } from '../phi3v/index.ts';
