/**
 * `npm run bench -- pipeline [PART…]`: measures the time of jobs and of their orchestration. Parts: `stages` (time of each stage),
 * `overhead` (the same job through Temporal and as a plain loop, on a video of `--seconds`, 600 by default), `flat` (time per
 * segment of jobs of 10 to 1,000 segments whose activities return at once), `resume` (delay by a kill at 90 %). The default is all.
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
