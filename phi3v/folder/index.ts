export { dataFiles, inspectModelFolder, type ModelFile, type ModelFolderReport } from './inspect-folder.ts';
export type { ModelFolder } from './model-folder.ts';
export { readModelFolder, TOKENIZER_FILES } from './read-folder.ts';
export { readJson } from './read-json.ts';
