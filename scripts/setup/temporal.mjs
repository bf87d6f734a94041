/** The Temporal CLI: the embedded system runs its development server. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onPath, report, runLong, SetupError } from './commands.mjs';
import { buildWithGo } from './go.mjs';
import { installAtomically } from './install-atomically.mjs';
import { firstWorking, fromEnvironment } from './tools.mjs';

/** The latest release that `go install` can build: later ones have replace directives in their module file. */
const VERSION = 'v1.5.1';

export async function findTemporal({ root, env, cache }) {
  const cached = join(cache, 'bin', 'temporal');
  const found =
    fromEnvironment('temporal', 'TEMPORAL_CLI_PATH', env) ??
    firstWorking('temporal', [onPath(['temporal'], env), existsSync(cached) ? cached : undefined]);
  if (found !== undefined) return found;
  const made = (await download({ root, env, cache, cached })) || (await build({ env, cache, cached }));
  const entry = made ? firstWorking('temporal', [cached]) : undefined;
  if (entry !== undefined) return entry;
  throw new SetupError(
    'The Temporal CLI was not found, and could neither be downloaded nor built. Do one of the following:\n' +
      '  - install it (https://docs.temporal.io/cli) and start again, or set TEMPORAL_CLI_PATH\n' +
      `  - install Go, and set-up builds it: go install github.com/temporalio/cli/cmd/temporal@${VERSION}\n` +
      '  - set TEMPORAL_ADDRESS to a Temporal server that is already running',
  );
}

function largestFile(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, size: statSync(path).size }))
    .sort((a, b) => b.size - a.size)[0];
}

/** Uses the download of the Temporal SDK, in a process of its own because the SDK sets no time limit. */
function download(places) {
  report('Temporal CLI: downloading about 60 MB, once; less than a minute on most connections');
  return installAtomically(places, async (folder) => {
    const testing = createRequire(join(places.root, 'package.json')).resolve('@temporalio/testing');
    const program = `
      import testing from ${JSON.stringify(pathToFileURL(testing).href)};
      const executable = { type: 'cached-download', version: ${JSON.stringify(VERSION)}, downloadDir: ${JSON.stringify(folder)} };
      const server = await testing.TestWorkflowEnvironment.createLocal({ server: { executable } });
      await server.teardown();`;
    let size = 0;
    let lastChange = 0;
    const isStalled = (seconds) => {
      const now = largestFile(folder)?.size ?? 0;
      if (now !== size) lastChange = seconds;
      size = now;
      return seconds - lastChange > 30;
    };
    const { ok } = await runLong('Temporal CLI', process.execPath, ['--input-type=module', '-e', program], {
      env: places.env,
      timeoutSeconds: 600,
      isStalled,
    });
    return ok ? largestFile(folder)?.path : undefined;
  });
}

function build(places) {
  return buildWithGo(places, {
    label: 'Temporal CLI',
    module: `github.com/temporalio/cli/cmd/temporal@${VERSION}`,
    program: 'temporal',
    announcement: 'the download is not reachable; building it with Go, once, about 3 minutes',
  });
}
