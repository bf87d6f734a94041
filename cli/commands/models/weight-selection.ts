/** Which weights a command line names. */

import {
  CATALOGUE,
  DEFAULT_DTYPES,
  DTYPES,
  type Dtype,
  type Dtypes,
  SESSIONS,
} from '../../../weights/index.ts';
import { UsageError } from '../../context.ts';
import { installedName, type WeightSelection } from './installed-weights.ts';

export interface WeightOptions {
  readonly variant?: string | undefined;
  readonly dtype?: string | undefined;
}

/** Throws UsageError. */
export function parseWeightSelection(
  name: string,
  { variant: wanted, dtype }: WeightOptions,
): WeightSelection {
  const entry = CATALOGUE.find((known) => known.name === name);
  if (entry === undefined) {
    throw new UsageError(
      `there are no weights of "${name}" to pull; there are those of ${list(CATALOGUE.map((known) => known.name))}.`,
    );
  }
  const variant =
    wanted === undefined ? entry.variants[0] : entry.variants.find((one) => one.name === wanted);
  if (variant === undefined) {
    throw new UsageError(
      `"${wanted}" is no variant of ${name}: say ${list(entry.variants.map((one) => one.name))}.`,
    );
  }
  if (dtype !== undefined && variant.kind === 'pinned') {
    throw new UsageError(`the ${variant.name} variant has one dtype; --dtype goes with transformers.js.`);
  }
  return { model: name, variant, dtypes: dtype === undefined ? DEFAULT_DTYPES : parseDtypes(dtype) };
}

/** What was pulled, with the default dtypes, under the name that a model folder has now. */
export function findSelectionByInstalledName(name: string): WeightSelection | undefined {
  return CATALOGUE.flatMap(({ name: model, variants }) =>
    variants.map((variant) => ({ model, variant, dtypes: DEFAULT_DTYPES })),
  ).find((choice) => installedName(choice) === name);
}

/** `q4f16` for all graphs, or `vision_encoder=q4,model=q4f16` for some. */
function parseDtypes(text: string): Dtypes {
  if (!text.includes('=')) {
    const dtype = parseDtype(text);
    return { vision_encoder: dtype, prepare_inputs_embeds: dtype, model: dtype };
  }
  const chosen: Record<string, Dtype> = {};
  for (const part of text.split(',')) {
    const [session = '', value = ''] = part.split('=');
    if (!SESSIONS.some((known) => known === session)) {
      throw new UsageError(`"${session}" is no graph of this layout: say ${list(SESSIONS)}.`);
    }
    chosen[session] = parseDtype(value);
  }
  return { ...DEFAULT_DTYPES, ...chosen };
}

function parseDtype(text: string): Dtype {
  const dtype = DTYPES.find((known) => known === text);
  if (dtype === undefined) throw new UsageError(`"${text}" is no dtype: say ${list(DTYPES)}.`);
  return dtype;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
