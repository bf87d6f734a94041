/** Which files a Transformers.js folder needs, and their checksums, as the server lists them. */
import { z } from 'zod';
import type { ListedVariant, WeightFile, WeightSet } from './catalogue.ts';
import { WeightsError } from './errors.ts';
import type { Hub } from './hub.ts';
import { DEFAULT_RETRY_POLICY, type RetryEvent, type RetryPolicy, retryTransfer } from './retry.ts';

export const SESSIONS = ['vision_encoder', 'prepare_inputs_embeds', 'model'] as const;
export type Session = (typeof SESSIONS)[number];

/** How the files of a dtype end (Transformers.js' own table). */
const SUFFIXES = {
  fp32: '',
  fp16: '_fp16',
  int8: '_int8',
  uint8: '_uint8',
  q8: '_quantized',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const;
export type Dtype = keyof typeof SUFFIXES;
export type Dtypes = Readonly<Record<Session, Dtype>>;

export const DTYPES = Object.keys(SUFFIXES) as readonly Dtype[]; // the keys of a literal

/** int4 weights with float32 activations: what runs on every machine. */
export const DEFAULT_DTYPES: Dtypes = {
  vision_encoder: 'q4',
  prepare_inputs_embeds: 'q4',
  model: 'q4',
};

/** Files beside the graphs, and whether loading needs them. */
const CONFIGS: readonly (readonly [name: string, needed: boolean])[] = [
  ['config.json', true],
  ['generation_config.json', true],
  ['preprocessor_config.json', true],
  ['processor_config.json', false],
  ['special_tokens_map.json', false],
  ['tokenizer.json', true],
  ['tokenizer_config.json', true],
];

const Revision = z.object({ sha: z.string().regex(/^[\da-f]{40}$/) });
const Tree = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.int().nonnegative(),
    oid: z.string().regex(/^[\da-f]{40}$/),
    lfs: z.object({ oid: z.string().regex(/^[\da-f]{64}$/), size: z.int().nonnegative() }).nullish(),
  }),
);
type Entry = z.infer<typeof Tree>[number];

/** Pages of a listing that are followed; a repository of a model fits into one. */
const MAX_PAGES = 10;

export interface ListOptions {
  readonly dtypes: Dtypes;
  readonly signal: AbortSignal;
  readonly retryPolicy?: RetryPolicy;
  readonly onRetry?: (event: RetryEvent) => void;
}

/** Throws WeightsError, `listing` where the repository has no files of a dtype. */
export async function listWeights(
  variant: ListedVariant,
  hub: Hub,
  options: ListOptions,
): Promise<WeightSet> {
  const ask = <T>(path: string, schema: z.ZodType<T>) =>
    retryTransfer(() => hub.api(path, schema, options.signal), {
      policy: options.retryPolicy ?? DEFAULT_RETRY_POLICY,
      signal: options.signal,
      onRetry: options.onRetry ?? (() => undefined),
    });
  const { repository, revision, last } = variant;
  const { value } = await ask(`api/models/${repository}/revision/${revision}`, Revision);
  if (!value.sha.startsWith(revision)) {
    throw new WeightsError('listing', `${hub.host} answers with another revision than ${revision}.`);
  }
  const entries: Entry[] = [];
  let page: string | undefined = `api/models/${repository}/tree/${value.sha}?recursive=true`;
  for (let pages = 0; page !== undefined && pages < MAX_PAGES; pages++) {
    const answer: { readonly value: Entry[]; readonly next: string | undefined } = await ask(page, Tree);
    entries.push(...answer.value);
    page = answer.next;
  }
  const files = choose(entries, options.dtypes, hub.host);
  return { repository, revision: value.sha, files, last };
}

function choose(entries: readonly Entry[], dtypes: Dtypes, host: string): readonly WeightFile[] {
  const all = new Map(entries.filter(({ type }) => type === 'file').map((entry) => [entry.path, entry]));
  const take = (path: string): WeightFile => {
    const entry = all.get(path);
    if (entry === undefined) throw lacking(path, all, host);
    return weightFile(entry);
  };
  const configs = CONFIGS.filter(([name, needed]) => needed || all.has(name)).map(([name]) => take(name));
  const graphs = SESSIONS.flatMap((session) => {
    const graph = `onnx/${session}${SUFFIXES[dtypes[session]]}.onnx`;
    // Weights that do not fit into the graph's file lie in `GRAPH_data`, `GRAPH_data_1` and so on.
    const parts = [...all.keys()].filter(
      (path) => path.startsWith(`${graph}_data`) && /^(_\d+)?$/.test(path.slice(`${graph}_data`.length)),
    );
    return [take(graph), ...parts.sort().map(take)];
  });
  return [...configs, ...graphs];
}

function lacking(path: string, all: ReadonlyMap<string, Entry>, host: string): WeightsError {
  const graphs = [...all.keys()].filter((name) => /^onnx\/[\w.-]+\.onnx$/.test(name));
  const there = graphs.length > 0 ? ` It has ${graphs.join(', ')}.` : '';
  return new WeightsError('listing', `The repository on ${host} has no ${path}.${there}`);
}

function weightFile({ path, size, oid, lfs }: Entry): WeightFile {
  return {
    path,
    source: path,
    digest: lfs ? { algorithm: 'sha256', hex: lfs.oid } : { algorithm: 'git-blob', hex: oid, bytes: size },
    size: { bytes: lfs?.size ?? size, exact: true },
  };
}
