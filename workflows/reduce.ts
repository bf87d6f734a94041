/** From captions to one summary: captions → sections → summary, level by level, each prompt within the model's means. */
import type {
  FinishInput,
  IngestOutput,
  ReduceInput,
  ReduceOutput,
  SummarizeInput,
} from '../schema/stages.ts';
import { mergeGroups } from '../summary/plan.ts';
import { gpu } from './activities.ts';
import { mapBounded } from './bounded.ts';
import type { DescribedSegment } from './describe.ts';
import type { Journal } from './journal.ts';

/** Merges under way at once. */
const REDUCE_AT_ONCE = 16;

export type Reduced = Pick<FinishInput, 'sections' | 'summary' | 'title' | 'reductions' | 'reduceGpuSeconds'>;

export async function reduce(
  segments: readonly DescribedSegment[],
  { model }: IngestOutput,
  { request }: SummarizeInput,
  journal: Journal,
): Promise<Reduced> {
  const made: ReduceOutput[] = [];
  async function call(
    kind: ReduceInput['kind'],
    inputs: readonly string[],
    maxTokens: number,
  ): Promise<ReduceOutput> {
    const output = await gpu.reduce({
      model,
      kind,
      inputs,
      maxTokens,
      ...(request.prompt === undefined ? {} : { focus: request.prompt }),
      ...(request.summary_prompt === undefined ? {} : { instruction: request.summary_prompt }),
    });
    made.push(output);
    return output;
  }
  const summaryTokens = request.max_tokens ?? model.tokens.summary;

  const described = segments.flatMap(({ outcome, ...said }) =>
    'generation' in outcome ? [{ ...outcome, ...said }] : [],
  );
  const groups = mergeGroups(
    described.map(({ lines, firstCaption }, index) => ({
      lines: Math.max(1, lines),
      continues: firstCaption !== undefined && firstCaption === described[index - 1]?.lastCaption,
    })),
    model.merge.captions,
  );
  let done = 0;
  journal.emit({ type: 'reduce.started', sections: groups.length }, { stage: 'reduce', percent: 85 });
  const sections = await mapBounded(groups, REDUCE_AT_ONCE, async (group, index) => {
    const inputs = described.slice(group.first, group.last).map((segment) => segment.generation);
    const text = await call('section', inputs, summaryTokens);
    const title = await call('title', inputs, model.tokens.title);
    done += 1;
    journal.emit(
      { type: 'chapter.completed', chapter: { index, title: title.title ?? '' } },
      { percent: 85 + (8 * done) / groups.length },
    );
    return {
      first: described[group.first]?.index ?? 0,
      last: described[group.last]?.index ?? segments.length,
      title: title.generation,
      text: text.generation,
    };
  });

  let level = sections.map((section) => section.text);
  while (level.length > 1) {
    const texts = level;
    const parts = mergeGroups(
      texts.map(() => ({ lines: 1 })),
      model.merge.parts,
    );
    level = [
      ...(await mapBounded(parts, REDUCE_AT_ONCE, async ({ first, last }) => {
        const inputs = texts.slice(first, last);
        return inputs.length === 1 && inputs[0] !== undefined
          ? inputs[0]
          : (await call('summary', inputs, summaryTokens)).generation;
      })),
    ];
  }
  const summary = level[0] ?? '';
  const title = await call('title', [summary], model.tokens.title);
  journal.emit({ type: 'reduce.completed' }, { stage: 'finish', percent: 97 });
  return {
    sections,
    summary,
    title: title.generation,
    reductions: made.map((output) => output.generation).sort(),
    reduceGpuSeconds: made.reduce((sum, output) => sum + output.gpuSeconds, 0),
  };
}
