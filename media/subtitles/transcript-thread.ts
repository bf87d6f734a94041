/** The thread that parses large files of subtitles. */
import { answerInThread } from '../threads/index.ts';
import { type ParsedTranscript, parseTranscript, readCues, type TranscriptOptions } from './transcript.ts';

/** A file of subtitles, and how it is parsed. */
export interface TranscriptWork {
  readonly bytes: Uint8Array;
  readonly options: TranscriptOptions;
  /** `readCues` accepts a text without cues. */
  readonly parser: 'parseTranscript' | 'readCues';
}

await answerInThread(
  async ({ bytes, options, parser }: TranscriptWork): Promise<ParsedTranscript> =>
    parser === 'readCues' ? readCues(bytes, options) : parseTranscript(bytes, options),
);
