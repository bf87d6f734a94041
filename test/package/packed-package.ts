/** Packs the package as a release does, and installs the tarball in an empty folder. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../cli/package-root.ts';
import { type Ended, run } from '../cli/run-frameloom.ts';

const execute = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export interface PackedPackage extends AsyncDisposable {
  /** A folder with nothing but the installed package, outside of the repository. */
  readonly folder: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
}

/** Builds, packs and installs the files that git knows or would add, so that nothing ignored can help. */
export async function installPackedPackage(): Promise<PackedPackage> {
  const scratch = await mkdtemp(join(tmpdir(), 'frameloom-packed-'));
  const clone = join(scratch, 'clone');
  const folder = join(scratch, 'installed');
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const npm = async (cwd: string, ...args: string[]): Promise<string> =>
    (await execute('npm', [...args, '--loglevel=error'], { cwd, env, maxBuffer: MAX_OUTPUT_BYTES })).stdout;
  try {
    const listed = await execute('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: packageRoot(),
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    for (const path of listed.stdout.split('\0').filter((name) => name !== '')) {
      await mkdir(dirname(join(clone, path)), { recursive: true });
      await cp(join(packageRoot(), path), join(clone, path));
    }
    await symlink(join(packageRoot(), 'node_modules'), join(clone, 'node_modules'));
    await npm(clone, 'pack', '--pack-destination', scratch);
    const tarball = (await readdir(scratch)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack left no tarball');
    const { stdout } = await execute('tar', ['-tzf', join(scratch, tarball)]);
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await npm(folder, 'install', '--prefer-offline', '--no-audit', '--no-fund', join(scratch, tarball));
    return {
      folder,
      files: stdout
        .trim()
        .split('\n')
        .map((path) => path.replace(/^package\//, '')),
      [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** Runs the installed `frameloom` command with the Node at `node`. */
export function runInstalled(
  { folder }: PackedPackage,
  node: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  return run(node, [join(folder, 'node_modules', 'frameloom', 'bin', 'frameloom.js'), ...args], env);
}
