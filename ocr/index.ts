/** Recognizes text on images with PP-OCR on ONNX Runtime. */
export { extractCharacters } from './extract-characters.ts';
export type { OcrImage } from './image.ts';
export { openTextReader, type RecognizedLine, type TextReader } from './text-reader.ts';
