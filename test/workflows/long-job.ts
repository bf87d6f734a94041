/** A deck with so many segments; forty of them make a section. */
import { type Answers, answers } from './answers.ts';

export function longAnswers(segments: number): Answers {
  const long = answers(20 * 700); // 700 extractions
  long.cpu.plan = async () => ({ segments, frames: 4 * segments });
  long.cpu.planMerges = async ({ level, entries }) => ({
    groups: Math.ceil(entries / (level === 0 ? 40 : 8)),
  });
  return long;
}
