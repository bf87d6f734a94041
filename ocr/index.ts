/** Recognizes text on images with PP-OCR on ONNX Runtime. */
export { extractCharacters } from './extract-characters.ts';
