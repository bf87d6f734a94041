/** Entry point of the process that transcribes speech. Started by `transcriber-process.ts` only. */
import { serveModelProcess } from '../onnx/index.ts';
import { openTranscriber, type Sound, type Transcription } from './transcriber.ts';

process.title = 'frameloom-transcriber';
serveModelProcess<{ readonly folder: string; readonly threads: number }, Sound, Transcription>(
  async ({ folder, threads }) => {
    const transcriber = await openTranscriber(folder, { threads });
    return (sound) => transcriber.transcribe(sound);
  },
);
