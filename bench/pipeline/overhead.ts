/** The same job twice: through the whole system, and as a plain loop over the same activities. */
import { join } from 'node:path';
import { runPlainLoop } from './plain-loop.ts';
import { clientOf, printMemory, runJob, seconds, startSystem, withVideo } from './video-job.ts';

export async function measureOverhead(length: number): Promise<void> {
  await withVideo(length, async (video, folder) => {
    const plain = await runPlainLoop(video, join(folder, 'plain'));
    console.log(
      `  plain loop, ${length} s of video, ${plain.segments} segments: ${seconds(plain.milliseconds)}`,
    );
    const system = await startSystem(join(folder, 'system'));
    try {
      const job = await runJob(clientOf(system), video);
      const more = job.milliseconds - plain.milliseconds;
      console.log(
        `  through the system, ${job.segments} segments: ${seconds(job.milliseconds)}, ${job.status}`,
      );
      console.log(
        `  orchestration: ${((100 * more) / plain.milliseconds).toFixed(1)} % more, ${(more / job.segments).toFixed(0)} ms per segment`,
      );
      console.log(
        `  after the POST: first event ${job.firstEvent.toFixed(0)} ms, workflow begun ${job.started.toFixed(0)} ms`,
      );
      await printMemory(system);
    } finally {
      await system.stop();
    }
  });
}
