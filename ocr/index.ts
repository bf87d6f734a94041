/** Recognizes text on images with PP-OCR on ONNX Runtime. */
export { extractCharacters } from './extract-characters.ts';
export type { OcrImage } from './image.ts';
export { createTextReader, type TextReaderOptions } from './reader-process.ts';
export type { RecognizedLine, TextReader } from './text-reader.ts';
