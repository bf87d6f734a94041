/**
 * `npm run bench -- pipeline [PART…]`: what a job costs, and what of it is orchestration. Parts: `stages` (where the time goes),
 * `overhead` (the same job through Temporal and as a plain loop; SECONDS of video by `--seconds`, 600 if not given), `flat` (cost per
 * segment of jobs of 10 to 1,000 segments whose activities only answer), `resume` (what a kill at 90 % costs). Without any, all.
 */
import { cpus } from 'node:os';
import { measureFlat } from './pipeline/flat.ts';
import { measureOverhead } from './pipeline/overhead.ts';
import { measureResume } from './pipeline/resume.ts';
import { measureStages } from './pipeline/stages.ts';

const PARTS = ['stages', 'overhead', 'flat', 'resume'] as const;

export async function run(args: readonly string[]): Promise<void> {
  console.log(`machine: ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  const seconds = Number(args.includes('--seconds') ? args[args.indexOf('--seconds') + 1] : 600);
  const named = PARTS.filter((part) => args.includes(part));
  for (const part of named.length > 0 ? named : PARTS) {
    console.log(`\n${part}`);
    if (part === 'stages') await measureStages();
    else if (part === 'overhead') await measureOverhead(seconds);
    else if (part === 'flat') await measureFlat();
    else await measureResume(seconds);
  }
}
