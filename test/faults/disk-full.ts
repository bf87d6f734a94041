/** The disk of the store is full during extraction until space is freed. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deploy } from './support/deployment.ts';
import type { FaultTest, Fixture, Outcome } from './support/fault-test.ts';
import { differencesFromBaseline, follow, formatRedone, submit } from './support/run-job.ts';

const runProgram = promisify(execFile);
const MEBIBYTE = 2 ** 20;
/** Size of the file system, and its free space when extraction starts. */
const FILE_SYSTEM_BYTES = 96 * MEBIBYTE;
const FREE_BYTES = MEBIBYTE / 2;

export const diskFull: FaultTest = {
  name: 'disk-full',
  rule: 'a disk that is full during extraction delays the job and changes nothing else, once space is free again',
  async run(fixture) {
    const home = await mkdtemp(join(tmpdir(), 'frameloom-test-full-'));
    const folder = join(home, 'artifacts');
    await mkdir(folder);
    try {
      await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${FILE_SYSTEM_BYTES}`, 'tmpfs', folder]);
    } catch {
      await rm(home, { recursive: true, force: true });
      const skipped = 'mounting a small file system needs root';
      return { injected: 'nothing', problems: [], redone: 'nothing', skipped };
    }
    try {
      return await fillAndFree(fixture, home, folder);
    } finally {
      await runProgram('umount', [folder]);
      await rm(home, { recursive: true, force: true });
    }
  },
};

async function fillAndFree(fixture: Fixture, home: string, folder: string): Promise<Outcome> {
  const workload = await fixture.workload({ segments: 6, imagesPerSegment: 8 });
  const baseline = await fixture.baseline(workload);
  await using deployment = await deploy({ env: workload.env, home, roles: ['api', 'gpu'] });
  const id = await submit(deployment, workload);
  const ballast = join(folder, 'ballast');
  const { bavail, bsize } = await statfs(folder);
  await writeFile(ballast, new Uint8Array(Math.max(0, bavail * bsize - FREE_BYTES)));
  await deployment.start('cpu');
  const running = follow(deployment, id);
  await deployment.waitForLine(
    ({ message, fields }) => message === 'Activity failed' && JSON.stringify(fields).includes('is full'),
  );
  const partialWhileFull = (await readdir(join(folder, '.staging')).catch(() => [])).length;
  await rm(ballast);
  const disturbed = await running;
  const problems = [...differencesFromBaseline(disturbed, baseline)];
  const partialFiles = (await readdir(join(folder, '.staging')).catch(() => [])).length;
  if (partialFiles > 0)
    problems.push(`${partialFiles} partial files are left (${partialWhileFull} while the disk was full)`);
  const failures = deployment.lines.filter(({ message }) => message === 'Activity failed').length;
  return {
    injected: `the file system of the store had ${FREE_BYTES / 1024} KiB left when extraction started; freed after the first failure`,
    problems,
    redone: `${failures} attempts failed with storage_full and were retried; ${formatRedone(disturbed.generations)}`,
  };
}
