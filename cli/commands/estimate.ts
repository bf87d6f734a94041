/** `frameloom estimate SOURCE…`: estimates tokens, time and cost of a job without running the model. */
import { ApiError } from '../../client/index.ts';
import type { EstimateAmounts } from '../../schema/estimate.ts';
import {
  REQUEST_USAGE,
  readRequestArguments,
  sourceName,
  uploadAttachments,
  uploadSource,
} from '../arguments/index.ts';
import { connectToServer } from '../connect-to-server.ts';
import { type Command, EXIT_CODES, printLine } from '../context.ts';
import { printProblem } from '../follow-job.ts';
import { createProgressView } from '../output/index.ts';

export const estimate: Command = {
  summary: 'estimate what a summary would cost',
  usage: `usage: frameloom estimate SOURCE... [options]

SOURCE and options are those of summarize. The source is uploaded and its frames are extracted; a later job reuses both.
The model does not run. Prices are settings of the server (docs/costs.md).

${REQUEST_USAGE}
  --json                  print the estimate as JSON

Exit codes: 0 done, 1 failed, 2 wrong usage.`,

  async run(args, context) {
    const { source, attachments, options, json } = await readRequestArguments(args);
    const { signal, stdout, stderr } = context;
    await using server = await connectToServer(context);
    const view = createProgressView(stderr, sourceName(source));
    try {
      const upload = { signal, onProgress: view.showUpload };
      const main = await uploadSource(source, server.client, upload);
      const uploaded = await uploadAttachments(main, attachments, server.client, upload);
      view.close();
      const result = await server.client.estimate({ ...options, source: uploaded }, { signal });
      if (json) printLine(stdout, JSON.stringify(result, null, 2));
      else if (result.estimate) for (const line of formatEstimate(result.estimate)) printLine(stdout, line);
      if (result.error) printLine(stderr, `frameloom: ${result.error.message}\n${result.error.hint}`);
      return result.estimate ? EXIT_CODES.complete : EXIT_CODES.failed;
    } catch (error) {
      view.close();
      if (error instanceof ApiError && !signal.aborted) return printProblem(error, context);
      throw error;
    }
  },
};

type Range = EstimateAmounts['segments'];

function formatEstimate(amounts: EstimateAmounts): readonly string[] {
  const { gpu_seconds: seconds, currency, assumptions } = amounts;
  const row = (name: string, range: Range, unit = ''): string =>
    `${name.padEnd(14)} ${formatAmount(range.expected)}${unit}${
      range.low === range.high ? '' : ` (${formatAmount(range.low)} to ${formatAmount(range.high)})`
    }`;
  return [
    row('segments', amounts.segments),
    row('frames', amounts.frames),
    row('input tokens', amounts.input_tokens),
    row('output tokens', amounts.output_tokens),
    seconds === null ? 'GPU seconds    unknown' : row('GPU seconds', seconds),
    currency === null ? 'cost           no prices are set' : row('cost', amounts.cost, ` ${currency}`),
    ...assumptions.map((text) => `note: ${text}`),
  ];
}

function formatAmount(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Number.isInteger(value) ? 15 : 3 });
}
