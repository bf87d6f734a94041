/** Peak memory of frame selection, this process and ffmpeg together, for a short and a very long video. */
import { readdirSync, readFileSync } from 'node:fs';
import type { MediaTools } from '../../media/index.ts';
import { longLecture } from './clips.ts';
import { pick } from './pick.ts';

const LENGTHS = [6, 360] as const;
const POLL_MS = 100;

export async function measureMemory(tools: MediaTools): Promise<object> {
  console.log('\n### Memory, node and ffmpeg together\n\n| video | target | peak |\n|---|---|---|');
  const peaks: Record<string, number> = {};
  for (const minutes of LENGTHS) {
    const path = await longLecture(minutes);
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss() + residentOfChildren());
    }, POLL_MS);
    let decisions = 0;
    for await (const _ of pick(tools, path, 'adaptive')) decisions++;
    clearInterval(timer);
    peaks[`${minutes} min`] = peak;
    console.log(`| ${minutes} minutes | ≤ 400 MB | ${Math.round(peak / 1e6)} MB, ${decisions} candidates |`);
  }
  return peaks;
}

/** Resident bytes of the children of this process. 0 without /proc. */
function residentOfChildren(): number {
  let sum = 0;
  for (const name of listProcesses()) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      if (!new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status)) continue;
      sum += 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum;
}

function listProcesses(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
