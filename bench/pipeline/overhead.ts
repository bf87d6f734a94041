/** Measures orchestration: medians of the same job as a plain loop over its activities and through the whole system, in turn. */
import { join } from 'node:path';
import { median } from '../median.ts';
import { runPlainLoop } from './plain-loop.ts';
import { clientOf, cpuSeconds, printMemory, runJob, seconds, startSystem, withVideo } from './video-job.ts';

const PAIRS = 3;

export async function measureOverhead(length: number): Promise<void> {
  await withVideo(length, async (video, folder) => {
    const times = { plain: [] as number[], job: [] as number[], firstEvent: [] as number[] };
    let segments = 0;
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const plain = await runPlainLoop(video, join(folder, `plain-${pair}`));
      times.plain.push(plain.milliseconds);
      console.log(
        `  plain loop, ${length} s of video, ${plain.segments} segments: ${seconds(plain.milliseconds)}`,
      );
      const system = await startSystem(join(folder, `system-${pair}`));
      try {
        const before = await cpuSeconds(system);
        const job = await runJob(clientOf(system), video);
        const after = await cpuSeconds(system);
        times.job.push(job.milliseconds);
        times.firstEvent.push(job.firstEvent);
        segments = job.segments;
        console.log(
          `  through the system, ${job.segments} segments: ${seconds(job.milliseconds)}, ${job.status}; first event ${job.firstEvent.toFixed(0)} ms, workflow started ${job.started.toFixed(0)} ms after the POST`,
        );
        const used = [...after].map(
          ([name, spent]) => `${name} ${(spent - (before.get(name) ?? 0)).toFixed(1)}`,
        );
        console.log(`  CPU-seconds of the job, without child processes: ${used.join(', ')}`);
        if (pair === PAIRS - 1) await printMemory(system);
      } finally {
        await system.stop();
      }
    }
    const plain = median(times.plain);
    const more = median(times.job) - plain;
    console.log(
      `  medians: orchestration ${seconds(more)}, ${((100 * more) / plain).toFixed(1)} % of the loop, ${(more / segments).toFixed(0)} ms per segment; first event ${median(times.firstEvent).toFixed(0)} ms`,
    );
  });
}
