/** `frameloom estimate SOURCE…`: what a job would take and cost, without the model being asked. */
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

SOURCE and options are those of summarize. The source is uploaded and its pictures are picked, as the job would do it,
which then finds that done; the model is not asked. Prices are settings of the server (docs/costs.md).

${REQUEST_USAGE}
  --json                  print the estimate as JSON

Exit codes: 0 done, 1 failed, 2 wrong usage.`,

  async run(args, context) {
    const { source, attachments, options, json } = await readRequestArguments(args);
    const { signal, stdout, stderr } = context;
    await using server = await connectToServer(context);
    const view = createProgressView(stderr, sourceName(source));
    try {
      const main = await uploadSource(source, server.client, { signal, onProgress: view.showUpload });
      const uploaded = await uploadAttachments(main, attachments, server.client, signal);
      view.close();
      const answer = await server.client.estimate({ ...options, source: uploaded }, { signal });
      if (json) printLine(stdout, JSON.stringify(answer, null, 2));
      else if (answer.estimate) for (const line of lines(answer.estimate)) printLine(stdout, line);
      if (answer.error) printLine(stderr, `frameloom: ${answer.error.message}\n${answer.error.hint}`);
      return answer.estimate ? EXIT_CODES.complete : EXIT_CODES.failed;
    } catch (error) {
      view.close();
      if (error instanceof ApiError && !signal.aborted) return printProblem(error, context);
      throw error;
    }
  },
};

type Range = EstimateAmounts['segments'];

/** For a person. */
function lines(figures: EstimateAmounts): readonly string[] {
  const { gpu_seconds: seconds, currency, assumptions } = figures;
  const row = (name: string, range: Range, unit = ''): string =>
    `${name.padEnd(14)} ${amount(range.expected)}${unit}${
      range.low === range.high ? '' : ` (${amount(range.low)} to ${amount(range.high)})`
    }`;
  return [
    row('segments', figures.segments),
    row('pictures', figures.pictures),
    row('input tokens', figures.input_tokens),
    row('output tokens', figures.output_tokens),
    seconds === null ? 'GPU seconds    not known yet' : row('GPU seconds', seconds),
    currency === null ? 'cost           not priced' : row('cost', figures.cost, ` ${currency}`),
    ...assumptions.map((text) => `note: ${text}`),
  ];
}

function amount(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: Number.isInteger(value) ? 15 : 3 });
}
