/** `frameloom models`: which models there are, fetching their weights, and checking them. */

import { WEIGHTS_ERRORS, WeightsError } from '../../../weights/index.ts';
import {
  type Command,
  type CommandContext,
  EXIT_CODES,
  parseCommandLine,
  printLine,
  UsageError,
} from '../../context.ts';
import { listModels } from './list.ts';
import { pullModelCommand } from './pull.ts';
import { verifyModelCommand } from './verify.ts';
import { parseWeightSelection } from './weight-selection.ts';

/** What shells say of a program that Ctrl-C has ended. */
const STOPPED = 130;

export const models: Command = {
  summary: 'list models, fetch their weights, check them',
  usage: `usage: frameloom models list [--json]
       frameloom models pull NAME [--variant cpu|gpu|transformers.js] [--dtype DTYPE]
       frameloom models verify NAME [--variant …] [--dtype …] [--json]

list    the models that come with the package, those in FRAMELOOM_MODELS and those that were pulled
pull    fetches weights into FRAMELOOM_MODELS, or into the folder "models" of FRAMELOOM_HOME. Every file is checked against
        its checksum; what has arrived is kept, and the same command goes on from there
verify  reads every file and says which are damaged or missing

  --variant  default cpu. Others are installed beside it, as NAME-gpu and NAME-transformers.js
  --dtype    of the transformers.js variant: fp32, fp16, int8, uint8, q8, q4, q4f16 or bnb4, for all graphs or as
             vision_encoder=q4,prepare_inputs_embeds=q4,model=q4f16. Default q4

FRAMELOOM_MODEL chooses the model that workers load. HF_ENDPOINT names a mirror, HF_TOKEN a token for it; HTTPS_PROXY,
HTTP_PROXY and NO_PROXY are used. Exit codes: 0 fine, 1 failed, 2 wrong usage, 130 stopped.`,

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
    const { json, ...which } = values;
    const chosen = which.variant !== undefined || which.dtype !== undefined;
    switch (action) {
      case 'list':
        if (name !== undefined || chosen) throw new UsageError('list takes no more than --json.');
        return listModels(json, context);
      case 'pull':
        if (json) throw new UsageError('pull has no --json.');
        return explained(context, () => pullModelCommand(parseWeightSelection(named(name), which), context));
      case 'verify':
        return explained(context, () => verifyModelCommand(named(name), values, context));
      default:
        throw new UsageError('say list, pull or verify.');
    }
  },
};

function named(name: string | undefined): string {
  if (name === undefined) throw new UsageError('name a model.');
  return name;
}

/** Prints what went wrong with weights and what to do about it. */
async function explained({ stderr }: CommandContext, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    printLine(stderr, `frameloom: ${error.message}\n${WEIGHTS_ERRORS[error.code].hint}`);
    return error.code === 'cancelled' ? STOPPED : EXIT_CODES.failed;
  }
}
