/** Parses --variant and --dtype to a selection of weights. */

import {
  DEFAULT_DTYPES,
  DTYPES,
  type Dtype,
  GRAPH_NAMES,
  type GraphDtypes,
  MODEL_CATALOGUE,
} from '../../../weights/index.ts';
import { UsageError } from '../../context.ts';
import { installedName, type WeightSelection } from './installed-weights.ts';

export interface WeightOptions {
  readonly variant?: string | undefined;
  readonly dtype?: string | undefined;
}

/** @throws UsageError for an unknown model, variant or dtype. */
export function parseWeightSelection(
  name: string,
  { variant: variantName, dtype }: WeightOptions,
): WeightSelection {
  const entry = MODEL_CATALOGUE.find((known) => known.name === name);
  if (entry === undefined) {
    throw new UsageError(
      `"${name}" is not in the catalogue: use ${formatList(MODEL_CATALOGUE.map((known) => known.name))}.`,
    );
  }
  const variant =
    variantName === undefined ? entry.variants[0] : entry.variants.find((one) => one.name === variantName);
  if (variant === undefined) {
    throw new UsageError(
      `"${variantName}" is not a variant of ${name}: use ${formatList(entry.variants.map((one) => one.name))}.`,
    );
  }
  if (dtype !== undefined && variant.kind === 'pinned') {
    throw new UsageError(
      `the ${variant.name} variant has a fixed dtype; --dtype requires --variant transformers.js.`,
    );
  }
  return { model: name, variant, dtypes: dtype === undefined ? DEFAULT_DTYPES : parseDtypes(dtype) };
}

/** Returns the selection, with default dtypes, whose installed name is `name`. */
export function findSelectionByInstalledName(name: string): WeightSelection | undefined {
  return MODEL_CATALOGUE.flatMap(({ name: model, variants }) =>
    variants.map((variant) => ({ model, variant, dtypes: DEFAULT_DTYPES })),
  ).find((choice) => installedName(choice) === name);
}

/** Parses `q4f16` for all graphs, or `vision_encoder=q4,model=q4f16` for some. */
function parseDtypes(text: string): GraphDtypes {
  if (!text.includes('=')) {
    const dtype = parseDtype(text);
    return { vision_encoder: dtype, prepare_inputs_embeds: dtype, model: dtype };
  }
  const chosen: Record<string, Dtype> = {};
  for (const part of text.split(',')) {
    const [session = '', value = ''] = part.split('=');
    if (!GRAPH_NAMES.some((known) => known === session)) {
      throw new UsageError(`"${session}" is not a graph of this variant: use ${formatList(GRAPH_NAMES)}.`);
    }
    chosen[session] = parseDtype(value);
  }
  return { ...DEFAULT_DTYPES, ...chosen };
}

function parseDtype(text: string): Dtype {
  const dtype = DTYPES.find((known) => known === text);
  if (dtype === undefined) throw new UsageError(`"${text}" is not a dtype: use ${formatList(DTYPES)}.`);
  return dtype;
}

function formatList(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
