/**
 * Makes what is missing for `demo`, `start`, `test` or `ci`: npm packages, ffmpeg, the Temporal CLI and, for tests,
 * Chromium, an S3 server and Helm. Needs nothing but Node, says what it does, can be run again at any point, and needs no network once all is
 * there. Tools live in a cache outside the work tree, recorded in its tools.json.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError, say } from './setup/commands.mjs';
import { findHelm } from './setup/helm.mjs';
import { alone } from './setup/lock.mjs';
import { installNodeModules, nodeModulesAreCurrent } from './setup/node-modules.mjs';
import { cacheFolder } from './setup/places.mjs';
import { isCurrent, readRecord, writeRecord } from './setup/record.mjs';
import { findTemporal } from './setup/temporal.mjs';
import { findChromium, findFfmpeg, findFfprobe } from './setup/tools.mjs';
import { findVersitygw } from './setup/versitygw.mjs';

const PURPOSES = ['demo', 'start', 'test', 'ci'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const env = process.env;

/** The tools of a purpose: how each is found, and the variable that names another one. */
function toolsFor(purpose) {
  const isTest = purpose === 'test' || purpose === 'ci';
  return [
    { name: 'ffmpeg', variable: 'FFMPEG_PATH', find: findFfmpeg },
    { name: 'ffprobe', variable: 'FFPROBE_PATH', find: findFfprobe },
    // Tests stop and start a Temporal server of their own, whatever server is around.
    ...(isTest || !env.TEMPORAL_ADDRESS
      ? [{ name: 'temporal', variable: 'TEMPORAL_CLI_PATH', find: findTemporal }]
      : []),
    ...(isTest ? [{ name: 'chromium', variable: 'CHROMIUM_PATH', find: findChromium }] : []),
    // S3_ENDPOINT names a server to test against in its place.
    ...(isTest && !env.S3_ENDPOINT
      ? [{ name: 'versitygw', variable: 'VERSITYGW_PATH', find: findVersitygw }]
      : []),
    ...(isTest ? [{ name: 'helm', variable: 'HELM_PATH', find: findHelm }] : []),
  ];
}

const HELP = `usage: node scripts/setup.mjs ${PURPOSES.join('|')}

Makes what is missing: npm packages (about 30 s), ffmpeg (found, or apt-get when root), the Temporal CLI (found,
downloaded, or built with Go in about 3 minutes) and, for test and ci, Chromium (found, or apt-get when root) and
versitygw, an S3 server (found, or built with Go in about a minute; without it the tests of buckets are skipped), and Helm
(found, or built with Go in about 2 minutes; without it the tests of the chart are skipped).
Tools are recorded in ${cacheFolder(env)}. FFMPEG_PATH, FFPROBE_PATH, TEMPORAL_CLI_PATH, CHROMIUM_PATH,
VERSITYGW_PATH and HELM_PATH name programs to use; TEMPORAL_ADDRESS and S3_ENDPOINT name servers to use instead of own ones.`;

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

  await alone(cache, async () => {
    if (!nodeModulesAreCurrent(root)) await installNodeModules(root, env);
    for (const { name, find } of missingOf(readRecord(cache))) {
      const entry = await find({ root, env, cache });
      if (entry === undefined) continue;
      writeRecord(cache, { ...readRecord(cache), [name]: entry });
      say(`${name} ${entry.version}`);
    }
  });
}

main(process.argv[2]).catch((error) => {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = 1;
});
