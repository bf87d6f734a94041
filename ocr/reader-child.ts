/** Entry point of the process that reads text. Started by `reader-process.ts` only. */
import { serveModelProcess } from '../onnx/index.ts';
import type { OcrImage } from './image.ts';
import { openTextReader, type RecognizedLine } from './text-reader.ts';

process.title = 'frameloom-text-reader';
serveModelProcess<{ readonly folder: string; readonly threads: number }, OcrImage, readonly RecognizedLine[]>(
  async ({ folder, threads }) => {
    const reader = await openTextReader(folder, { threads });
    return (image) => reader.readText(image);
  },
);
