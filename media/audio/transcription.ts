/** Reads the response of a transcription API (`verbose_json`), member by member: services differ. */
import { z } from 'zod';
import { FrameloomError } from '../../core/errors.ts';
import type { ParsedCues, WrittenCue } from '../subtitles/index.ts';

const Segment = z.object({
  start: z.number(),
  end: z.number().optional().catch(undefined),
  text: z.string().catch(''),
});
const Transcription = z.object({
  text: z.string().optional().catch(undefined),
  segments: z.array(z.unknown()).optional().catch(undefined),
});

/**
 * Returns the segments of a section of `seconds`, in seconds from its start. A segment without an end lasts
 * until the next; one without a start is counted. A response without usable segments is one cue.
 *
 * @throws FrameloomError `section_not_transcribed` where the response has neither segments nor a text
 */
export function readTranscription(response: string, seconds: number): ParsedCues {
  const { text, segments } = parsed(response);
  // Services round times, and some place the last words after the end of what they were sent.
  const within = (time: number): number => Math.min(Math.max(time, 0), seconds);
  const cues = (segments ?? []).flatMap((segment): readonly WrittenCue[] => {
    const { success, data } = Segment.safeParse(segment);
    if (!success) return [];
    return [
      {
        start: within(data.start),
        end: data.end === undefined ? undefined : within(data.end),
        text: data.text,
      },
    ];
  });
  if (cues.some((cue) => cue.text.trim() !== ''))
    return { cues, withoutTime: (segments ?? []).length - cues.length };
  if (text === undefined && segments?.length !== 0) throw unreadable();
  const isSilent = text === undefined || text.trim() === '';
  return { cues: isSilent ? [] : [{ start: 0, end: seconds, text }], withoutTime: 0 };
}

function parsed(response: string): z.infer<typeof Transcription> {
  try {
    return Transcription.parse(JSON.parse(response));
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): FrameloomError {
  return new FrameloomError(
    'section_not_transcribed',
    'The response of the transcription service has no text that can be read.',
    { cause },
  );
}
