/**
 * Lists the files of a model in the layout of Transformers.js with the checksums that the server publishes.
 */
import { z } from 'zod';
import type { ListedVariant, WeightFile, WeightSet } from './catalogue.ts';
import { WeightsError } from './errors.ts';
import type { HubClient } from './hub.ts';
import { DEFAULT_RETRY_POLICY, type RetryEvent, type RetryPolicy, retryTransfer } from './retry.ts';

/** The graphs of a Transformers.js folder. */
export const GRAPH_NAMES = ['vision_encoder', 'prepare_inputs_embeds', 'model'] as const;
export type GraphName = (typeof GRAPH_NAMES)[number];

/** Suffix of the files of a dtype. Source: `DEFAULT_DTYPE_SUFFIX_MAPPING` of Transformers.js. */
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
/** Number format of the weights of a graph, named as in Transformers.js. */
export type Dtype = keyof typeof SUFFIXES;
/** The dtype of each graph. */
export type GraphDtypes = Readonly<Record<GraphName, Dtype>>;

/** All dtypes. */
export const DTYPES = Object.keys(SUFFIXES) as readonly Dtype[]; // keys of a literal

/** int4 weights with float32 activations, which run on every machine. */
export const DEFAULT_DTYPES: GraphDtypes = {
  vision_encoder: 'q4',
  prepare_inputs_embeds: 'q4',
  model: 'q4',
};

/** Configuration files, and whether a loader requires them. */
const CONFIGS: readonly (readonly [name: string, isRequired: boolean])[] = [
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

/** Maximum number of pages of a listing. A model repository usually has one. */
const MAX_PAGES = 10;

export interface ListOptions {
  readonly dtypes: GraphDtypes;
  readonly signal: AbortSignal;
  readonly retryPolicy?: RetryPolicy;
  readonly onRetry?: (event: RetryEvent) => void;
}

/**
 * Returns the files of a variant with their checksums, at the full revision.
 *
 * @throws WeightsError `listing` if the repository has no graph of a dtype or another revision, and those of
 *   `HubClient`.
 */
export async function listWeights(
  variant: ListedVariant,
  hub: HubClient,
  options: ListOptions,
): Promise<WeightSet> {
  const request = <T>(path: string, schema: z.ZodType<T>) =>
    retryTransfer(() => hub.fetchJson(path, schema, options.signal), {
      policy: options.retryPolicy ?? DEFAULT_RETRY_POLICY,
      signal: options.signal,
      onRetry: options.onRetry ?? (() => undefined),
    });
  const { repository, revision, markerFile } = variant;
  const { value } = await request(`api/models/${repository}/revision/${revision}`, Revision);
  if (!value.sha.startsWith(revision)) {
    throw new WeightsError('listing', `${hub.host} returned a different revision than ${revision}.`);
  }
  const entries: Entry[] = [];
  let page: string | undefined = `api/models/${repository}/tree/${value.sha}?recursive=true`;
  for (let pages = 0; page !== undefined && pages < MAX_PAGES; pages++) {
    const listing: { readonly value: Entry[]; readonly next: string | undefined } = await request(page, Tree);
    entries.push(...listing.value);
    page = listing.next;
  }
  const files = selectFiles(entries, options.dtypes, hub.host);
  return { repository, revision: value.sha, files, markerFile };
}

function selectFiles(entries: readonly Entry[], dtypes: GraphDtypes, host: string): readonly WeightFile[] {
  const all = new Map(entries.filter(({ type }) => type === 'file').map((entry) => [entry.path, entry]));
  const requireFile = (path: string): WeightFile => {
    const entry = all.get(path);
    if (entry === undefined) throw missingFileError(path, all, host);
    return weightFile(entry);
  };
  const configs = CONFIGS.filter(([name, isRequired]) => isRequired || all.has(name)).map(([name]) =>
    requireFile(name),
  );
  const graphs = GRAPH_NAMES.flatMap((name) => {
    const graph = `onnx/${name}${SUFFIXES[dtypes[name]]}.onnx`;
    // External weights are in `GRAPH_data`, `GRAPH_data_1` and so on.
    const parts = [...all.keys()].filter(
      (path) => path.startsWith(`${graph}_data`) && /^(_\d+)?$/.test(path.slice(`${graph}_data`.length)),
    );
    return [requireFile(graph), ...parts.sort().map(requireFile)];
  });
  return [...configs, ...graphs];
}

function missingFileError(path: string, all: ReadonlyMap<string, Entry>, host: string): WeightsError {
  const graphs = [...all.keys()].filter((name) => /^onnx\/[\w.-]+\.onnx$/.test(name));
  const available = graphs.length > 0 ? ` It has ${graphs.join(', ')}.` : '';
  return new WeightsError('listing', `The repository on ${host} has no ${path}.${available}`);
}

function weightFile({ path, size, oid, lfs }: Entry): WeightFile {
  return {
    path,
    source: path,
    digest: lfs ? { algorithm: 'sha256', hex: lfs.oid } : { algorithm: 'git-blob', hex: oid, bytes: size },
    size: { bytes: lfs?.size ?? size, exact: true },
  };
}
