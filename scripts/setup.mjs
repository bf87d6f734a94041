/**
 * Installs what is missing for `demo`, `start`, `test` or `ci`: npm packages, ffmpeg, the Temporal CLI, and for tests
 * also Chromium, an S3 server, Helm, hadolint, and the oldest and the newest supported Node. It needs nothing but Node, and
 * no network once everything is installed. Tools are kept in a cache outside the work tree, recorded in its tools.json.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './setup/cache-folder.mjs';
import { report, SetupError } from './setup/commands.mjs';
import { findHadolint } from './setup/hadolint.mjs';
import { findHelm } from './setup/helm.mjs';
import { withSetupLock } from './setup/lock.mjs';
import { installNodeModules, nodeModulesAreCurrent } from './setup/node-modules.mjs';
import { findNewestNode, findOldestNode } from './setup/pinned-node.mjs';
import { findTemporal } from './setup/temporal.mjs';
import { isCurrent, readRecord, writeRecord } from './setup/tool-record.mjs';
import { findChromium, findFfmpeg, findFfprobe } from './setup/tools.mjs';
import { findVersitygw } from './setup/versitygw.mjs';

const PURPOSES = ['demo', 'start', 'test', 'ci'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const env = process.env;

/** The tools of a purpose: how each is found, and the environment variable that names another program. */
function toolsFor(purpose) {
  const isTest = purpose === 'test' || purpose === 'ci';
  const tools = [
    { name: 'ffmpeg', variable: 'FFMPEG_PATH', find: findFfmpeg },
    { name: 'ffprobe', variable: 'FFPROBE_PATH', find: findFfprobe },
  ];
  // Tests start and stop Temporal servers of their own, also when one is configured.
  if (isTest || !env.TEMPORAL_ADDRESS)
    tools.push({ name: 'temporal', variable: 'TEMPORAL_CLI_PATH', find: findTemporal });
  if (!isTest) return tools;
  tools.push({ name: 'chromium', variable: 'CHROMIUM_PATH', find: findChromium });
  // S3_ENDPOINT names another S3 server for tests.
  if (!env.S3_ENDPOINT) tools.push({ name: 'versitygw', variable: 'VERSITYGW_PATH', find: findVersitygw });
  tools.push(
    { name: 'helm', variable: 'HELM_PATH', find: findHelm },
    { name: 'hadolint', variable: 'HADOLINT_PATH', find: findHadolint },
    { name: 'node-oldest', variable: 'OLDEST_NODE_PATH', find: findOldestNode },
    { name: 'node-newest', variable: 'NEWEST_NODE_PATH', find: findNewestNode },
  );
  return tools;
}

const HELP = `usage: node scripts/setup.mjs ${PURPOSES.join('|')}

Installs what is missing:
  - npm packages (about 30 s)
  - ffmpeg: found, or installed with apt-get when root
  - the Temporal CLI: found, downloaded, or built with Go (about 3 minutes)
and for test and ci:
  - Chromium: found, or installed with apt-get when root
  - versitygw, an S3 server, and Helm: found, or built with Go (about 3 minutes)
  - hadolint: found, or installed with pip
  - the oldest and the newest supported Node, from npm
Tests that need one of the last three lines are skipped without it.

Tools are recorded in ${cacheFolder(env)}.
These variables name programs to use instead: FFMPEG_PATH, FFPROBE_PATH, TEMPORAL_CLI_PATH, CHROMIUM_PATH,
VERSITYGW_PATH, HELM_PATH, HADOLINT_PATH, OLDEST_NODE_PATH, NEWEST_NODE_PATH.
These name servers to use instead: TEMPORAL_ADDRESS, S3_ENDPOINT.`;

async function main(purpose) {
  if (purpose === '--help') {
    console.log(HELP);
    return;
  }
  if (!PURPOSES.includes(purpose))
    throw new SetupError(`usage: node scripts/setup.mjs ${PURPOSES.join('|')}`);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 9)) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: Frameloom needs 20.9 or newer (https://nodejs.org).`,
    );
  }

  const cache = cacheFolder(env);
  const missingOf = (record) =>
    toolsFor(purpose).filter(({ name, variable }) => !isCurrent(record[name], env[variable] || undefined));
  if (nodeModulesAreCurrent(root) && missingOf(readRecord(cache)).length === 0) return;

  await withSetupLock(cache, async () => {
    if (!nodeModulesAreCurrent(root)) await installNodeModules(root, env);
    for (const { name, find } of missingOf(readRecord(cache))) {
      const entry = await find({ root, env, cache });
      if (entry === undefined) continue;
      writeRecord(cache, { ...readRecord(cache), [name]: entry });
      report(`${name} ${entry.version}`);
    }
  });
}

main(process.argv[2]).catch((error) => {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
});
