/** The disk of the store is full while frames are taken, until somebody frees it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { follow, losses, redoneTokens, submit } from './support/run-job.ts';

const run = promisify(execFile);
const MEGABYTE = 2 ** 20;
/** Of the file system, and what is left of it when extraction begins. */
const SIZE = 96 * MEGABYTE;
const LEFT = MEGABYTE / 2;

export const diskFull: FaultTest = {
  name: 'disk-full',
  rule: 'a disk that is full in the middle of extraction costs time and nothing else, once there is room again',
  async run(fixture) {
    const home = await mkdtemp(join(tmpdir(), 'frameloom-test-full-'));
    const folder = join(home, 'artifacts');
    await mkdir(folder);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]);
    } catch {
      await rm(home, { recursive: true, force: true });
      const skipped = 'mounting a small file system needs root';
      return { injected: 'nothing', lost: [], redone: 'nothing', skipped };
    }
    try {
      return await fillAndFree(fixture, home, folder);
    } finally {
      await run('umount', [folder]);
      await rm(home, { recursive: true, force: true });
    }
  },
};

async function fillAndFree(fixture: Fixture, home: string, folder: string): Promise<Outcome> {
  const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
  const baseline = await fixture.undisturbed(workload);
  await using deployment = await deploy({ env: workload.env, home, roles: ['api', 'gpu'] });
  const id = await submit(deployment, workload);
  const ballast = join(folder, 'ballast');
  const { bavail, bsize } = await statfs(folder);
  await writeFile(ballast, new Uint8Array(Math.max(0, bavail * bsize - LEFT)));
  await deployment.start('cpu');
  const running = follow(deployment, id);
  await deployment.waitForLine(
    ({ message, fields }) => message === 'Activity failed' && JSON.stringify(fields).includes('is full'),
  );
  const halfMade = (await readdir(join(folder, '.aside')).catch(() => [])).length;
  await rm(ballast);
  const disturbed = await running;
  const lost = [...losses(disturbed, baseline)];
  const aside = (await readdir(join(folder, '.aside')).catch(() => [])).length;
  if (aside > 0) lost.push(`${aside} half-made files are left (${halfMade} while it was full)`);
  const failures = deployment.lines.filter(({ message }) => message === 'Activity failed').length;
  return {
    injected: `the file system of the store had ${LEFT / 1024} KiB left when extraction began; freed after the first failure`,
    lost,
    redone: `${failures} attempts failed as storage_full and were made again; ${redoneTokens(disturbed.answers)}`,
  };
}
