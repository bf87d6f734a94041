/** Measures the delay when GPU and CPU worker are killed after 90 % of the segments: medians of disturbed and undisturbed jobs, in turn. */
import { join } from 'node:path';
import { median } from '../median.ts';
import { clientOf, runJob, seconds, startSystem, withVideo } from './video-job.ts';

const PAIRS = 3;

export async function measureResume(length: number): Promise<void> {
  await withVideo(length, async (video, folder) => {
    const times = { undisturbed: [] as number[], killed: [] as number[] };
    for (let pair = 0; pair < PAIRS; pair += 1) {
      for (const what of ['undisturbed', 'killed'] as const) {
        const system = await startSystem(join(folder, `${what}-${pair}`));
        try {
          let killed = 0;
          const job = await runJob(clientOf(system), video, ({ progress: { segments } }) => {
            if (what === 'undisturbed' || killed > 0) return;
            if (segments.total === 0 || segments.done < 0.9 * segments.total) return;
            killed = segments.done;
            for (const { name, pid } of system.processes())
              if (name === 'GPU worker' || name === 'CPU worker') process.kill(pid, 'SIGKILL');
          });
          times[what].push(job.milliseconds);
          const how =
            what === 'killed' ? `both workers killed after ${killed} of ${job.segments} segments` : what;
          console.log(`  ${how}: ${seconds(job.milliseconds)}, ${job.status}`);
        } finally {
          await system.stop();
        }
      }
    }
    const [baseline, disturbed] = [median(times.undisturbed), median(times.killed)];
    console.log(
      `  medians: the kill cost ${seconds(disturbed - baseline)}, ${((100 * (disturbed - baseline)) / baseline).toFixed(1)} % of the job`,
    );
  });
}
