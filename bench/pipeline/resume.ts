/** What it costs when GPU and CPU worker are killed after 90 % of the segments. */
import { join } from 'node:path';
import { clientOf, runJob, seconds, startSystem, withVideo } from './video-job.ts';

export async function measureResume(length: number): Promise<void> {
  await withVideo(length, async (video, folder) => {
    const times: number[] = [];
    for (const kill of [false, true]) {
      const system = await startSystem(join(folder, kill ? 'killed' : 'calm'));
      try {
        let killed = 0;
        const job = await runJob(clientOf(system), video, ({ progress: { segments } }) => {
          if (!kill || killed > 0 || segments.total === 0 || segments.done < 0.9 * segments.total) return;
          killed = segments.done;
          for (const { name, pid } of system.processes())
            if (name === 'GPU worker' || name === 'CPU worker') process.kill(pid, 'SIGKILL');
        });
        times.push(job.milliseconds);
        const what = kill ? `both workers killed after ${killed} of ${job.segments} segments` : 'undisturbed';
        console.log(`  ${what}: ${seconds(job.milliseconds)}, ${job.status}`);
      } finally {
        await system.stop();
      }
    }
    const [calm = 0, disturbed = 0] = times;
    console.log(
      `  the kill cost ${seconds(disturbed - calm)}, ${((100 * (disturbed - calm)) / calm).toFixed(1)} % of the job`,
    );
  });
}
