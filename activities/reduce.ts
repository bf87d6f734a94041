/** Merges captions or texts into one text, and generates titles. */
import { Context } from '@temporalio/activity';
import { digest } from '../core/canonical-json.ts';
import type { GpuActivities } from '../schema/activities.ts';
import type { MergeShard, PromptContext } from '../schema/shards.ts';
import type { ReduceInput, ReduceOutput, TitleOutput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { generationName } from '../store/names.ts';
import { removeRepeats } from '../summary/captions.ts';
import { repairMerge, splitSentences, stripConnective } from '../summary/evidence.ts';
import {
  mergePrompt,
  PROMPTS_VERSION,
  type PromptPart,
  titlePrompt,
  type UserPrompts,
} from '../summary/prompts.ts';
import {
  createShardReader,
  GENERATION_VERSION,
  type GenerationArtifact,
  type GpuContext,
  generateOnce,
  putJson,
  readGeneration,
  requirePlannedModel,
  withHeartbeat,
} from './lib/index.ts';

/**
 * Characters per token, to keep the input of a merge within its output limit. Low, so that the estimate errs
 * on the safe side.
 */
const CHARACTERS_PER_TOKEN = 3;

type GenerationKind = ReduceInput['kind'] | 'title';

/** Statistics of a text that needed no model call. */
const NO_MODEL_COST = { cached: false, gpuSeconds: 0, visionCalls: 0, rows: 0 } as const;

export function createReduce(deps: GpuContext): GpuActivities['reduce'] {
  const { store, generator } = deps;
  const readGroups = createShardReader<MergeShard>(store);
  return (input) =>
    withHeartbeat(async (signal) => {
      const { kind, maxTokens } = input;
      const { inputs, model, ...user } = await readMergeGroup(readGroups, input);
      requirePlannedModel(deps, model);
      const common = { attempts: Context.current().info.attempt, runtime: generator.info.runtime };
      const merged = await makeText();
      const section = kind === 'section' ? { title: await makeTitle(inputs, user) } : {};
      const job = input.isLast ? { jobTitle: await makeTitle([merged.generation], {}) } : {};
      // Titles are made in the same activity: an activity costs a job as much as a short generation.
      return { ...merged, ...section, ...job };

      async function makeText(): Promise<ReduceOutput> {
        const [only] = inputs;
        if (kind === 'summary' && inputs.length === 1 && only !== undefined)
          return { ...common, ...NO_MODEL_COST, generation: only, isUnchanged: true };
        return await make(kind, await read(inputs), user, maxTokens);
      }

      async function makeTitle(names: readonly string[], prompts: UserPrompts): Promise<TitleOutput> {
        return make('title', await read(names), prompts, model.tokens.title);
      }

      async function read(names: readonly string[]): Promise<readonly GenerationArtifact[]> {
        const found = await Promise.all(names.map((name) => readGeneration(store, name, input.allowMissing)));
        return found.filter((source) => source !== undefined);
      }

      async function make(
        what: GenerationKind,
        sources: readonly GenerationArtifact[],
        prompts: UserPrompts,
        most: number,
      ): Promise<TitleOutput> {
        const lines = inputLines(what, sources, model.merge.captions, most);
        const identity = await digest({
          kind: what,
          model: model.revision,
          version: GENERATION_VERSION,
          prompts: PROMPTS_VERSION,
          user: prompts,
          lines,
          maxTokens: most,
        });
        if (lines.length === 0 || (lines.length === 1 && what !== 'title')) {
          const [text = ''] = lines;
          return {
            ...common,
            ...NO_MODEL_COST,
            generation: await storeSingleLine(store, identity, text),
          };
        }
        const { name, artifact, cached, gpuSeconds, visionCalls, rows } = await generateOnce(deps, {
          digest: identity,
          kind: what === 'title' ? 'title' : 'text',
          run: (generate) =>
            generate({ prompt: promptFor(what, lines, prompts), images: [], maxTokens: most }),
          parse: (text) =>
            what === 'title'
              ? [cleanTitle(text)]
              : repairMerge(text, lines, model.evidence, what === 'summary' || model.evidence === 1),
          signal,
        });
        const { inputTokens, outputTokens } = artifact.usage;
        const cost = { cached, gpuSeconds, visionCalls, rows, inputTokens, outputTokens };
        return { ...common, generation: name, ...cost };
      }
    });
}

/** Reads the inputs of a merge and its prompt context. */
async function readMergeGroup(
  readGroups: ReturnType<typeof createShardReader<MergeShard>>,
  input: ReduceInput,
): Promise<PromptContext & { readonly inputs: readonly string[] }> {
  const { groups, ...context } = await readGroups(input, `groups-${input.level}`, input.shard);
  const group = groups[input.entry];
  if (!group) throw new TypeError(`shard ${input.shard} has no group ${input.entry}`);
  return { ...context, inputs: group.inputs };
}

/** Stores a single line, which needs no merging, as a generation. Returns the name of the generation. */
async function storeSingleLine(store: ArtifactStore, identity: string, line: string): Promise<string> {
  const artifact: GenerationArtifact = {
    version: GENERATION_VERSION,
    kind: 'text',
    text: line,
    lines: splitSentences(line),
    finishReason: 'stop',
    usage: { imageTokens: 0, inputTokens: 0, outputTokens: 0 },
  };
  await putJson(store, generationName(identity), artifact);
  return generationName(identity);
}

function promptFor(
  kind: GenerationKind,
  lines: readonly string[],
  user: { focus?: string | undefined; instruction?: string | undefined },
): readonly PromptPart[] {
  if (kind === 'title') return titlePrompt(lines);
  return mergePrompt(lines, kind === 'section' ? 'captions' : 'parts', user);
}

/** The numbered lines of the prompt, equal neighbours once. */
function inputLines(
  kind: GenerationKind,
  sources: readonly GenerationArtifact[],
  mostLines: number,
  maxTokens: number,
): readonly string[] {
  const captions = sources.flatMap((source) => (source.kind === 'caption' ? source.lines : []));
  if (captions.length > 0) return removeRepeats(captions);
  const texts = sources.map((source) => source.lines);
  // The title prompt takes captions. Sentences without their references are the closest to that.
  if (kind === 'title') return removeRepeats(texts.flat().map(stripConnective)).slice(0, mostLines);
  return removeRepeats(condense(texts, maxTokens * CHARACTERS_PER_TOKEN).map((text) => text.join(' ')));
}

/**
 * Returns the leading sentences of each text, as many as fit into `limit` characters in total, at least one
 * of each: the output of a merge of long texts would otherwise be cut off. Leading sentences are the
 * classical baseline of extractive summarization.
 */
function condense(texts: readonly (readonly string[])[], limit: number): readonly (readonly string[])[] {
  const length = (sentenceCount: number): number =>
    texts.reduce((sum, text) => sum + text.slice(0, sentenceCount).join(' ').length, 0);
  let count = Math.max(...texts.map((text) => text.length));
  while (count > 1 && length(count) > limit) count -= 1;
  return texts.map((text) => text.slice(0, count));
}

function cleanTitle(text: string): string {
  const [line = ''] = text.trim().split('\n');
  return line.replace(/^["'“]+|["'”.]+$/g, '').slice(0, 120);
}
