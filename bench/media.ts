/**
 * `npm run bench -- media [PART…]`: quality and speed of frame selection. Parts: `quality`, `lecture`, `motion`, `memory`;
 * without any, all of them. Videos are generated once and kept in the temporary folder of the machine; `clips` does that alone.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { findMediaTools } from '../media/index.ts';
import { lecture, longLecture, motion } from './media/clips.ts';
import { measureMemory } from './media/memory.ts';
import { makeQualityClips, measureQuality } from './media/quality.ts';
import { measureSpeed } from './media/speed.ts';

const PARTS = ['quality', 'lecture', 'motion', 'memory'] as const;

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('clips')) {
    for (const make of [lecture, motion, () => longLecture(6), () => longLecture(360), makeQualityClips])
      await make();
    return;
  }
  const json = args.includes('--json') ? args[args.indexOf('--json') + 1] : undefined;
  const named = PARTS.filter((part) => args.includes(part));
  const parts = named.length > 0 ? named : PARTS;
  const tools = await findMediaTools({});
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ffmpeg ${tools.version}`;
  console.log(`machine: ${machine}\n`);
  const results: Record<string, unknown> = { machine };
  for (const part of parts) {
    if (part === 'quality') results[part] = await measureQuality(tools);
    else if (part === 'memory') results[part] = await measureMemory(tools);
    else results[part] = await measureSpeed(tools, part);
  }
  if (json === undefined) console.log(`\n${JSON.stringify(results)}`);
  else await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
}
