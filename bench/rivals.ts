import { RIVAL_NAMES, runRival } from './rivals/run.ts';

/**
 * `npm run bench -- rivals [LAYERS]`: time of other runtimes for a prompt of 3,000 tokens and a decode step after it on the
 * slice, one line of JSON each. `npm run bench -- runtime` compares them with our runtime.
 */
export async function run([layers]: readonly string[]): Promise<void> {
  for (const rival of RIVAL_NAMES) {
    const { report, reason } = await runRival(rival, {
      layers: layers === undefined ? undefined : Number(layers),
      args: rival === 'floor' ? ['--chunks'] : [],
    });
    console.log(report === undefined ? `${rival} skipped: ${reason}` : JSON.stringify(report));
  }
}
