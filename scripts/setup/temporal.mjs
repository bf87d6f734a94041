/** The Temporal CLI, whose development server the embedded system runs. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onPath, runLong, SetupError, say } from './commands.mjs';
import { atomically, buildWithGo } from './go.mjs';
import { firstThatAnswers, given } from './tools.mjs';

/** The newest release that `go install` can build: later ones have replace directives in their module file. */
const VERSION = 'v1.5.1';

export async function findTemporal({ root, env, cache }) {
  const cached = join(cache, 'bin', 'temporal');
  const found =
    given('temporal', 'TEMPORAL_CLI_PATH', env) ??
    firstThatAnswers('temporal', [onPath(['temporal'], env), existsSync(cached) ? cached : undefined]);
  if (found !== undefined) return found;
  const made = (await download({ root, env, cache, cached })) || (await build({ env, cache, cached }));
  const entry = made ? firstThatAnswers('temporal', [cached]) : undefined;
  if (entry !== undefined) return entry;
  throw new SetupError(
    'The Temporal CLI was not found, and could neither be downloaded nor built. One of these helps:\n' +
      '  - install it (https://docs.temporal.io/cli) and start again, or set TEMPORAL_CLI_PATH\n' +
      `  - install Go, with which set-up builds it: go install github.com/temporalio/cli/cmd/temporal@${VERSION}\n` +
      '  - set TEMPORAL_ADDRESS to a Temporal server that is already running',
  );
}

function largestFile(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, size: statSync(path).size }))
    .sort((a, b) => b.size - a.size)[0];
}

/** The Temporal SDK's own download, in a process of its own because it has no time limit. */
function download(places) {
  say('Temporal CLI: downloading about 60 MB, once; less than a minute on most lines');
  return atomically(places, async (folder) => {
    const testing = createRequire(join(places.root, 'package.json')).resolve('@temporalio/testing');
    const program = `
      import testing from ${JSON.stringify(pathToFileURL(testing).href)};
      const executable = { type: 'cached-download', version: ${JSON.stringify(VERSION)}, downloadDir: ${JSON.stringify(folder)} };
      const server = await testing.TestWorkflowEnvironment.createLocal({ server: { executable } });
      await server.teardown();`;
    let size = 0;
    let lastChange = 0;
    const idle = (seconds) => {
      const now = largestFile(folder)?.size ?? 0;
      if (now !== size) lastChange = seconds;
      size = now;
      return seconds - lastChange > 30;
    };
    const { ok } = await runLong('Temporal CLI', process.execPath, ['--input-type=module', '-e', program], {
      env: places.env,
      timeoutSeconds: 600,
      idle,
    });
    return ok ? largestFile(folder)?.path : undefined;
  });
}

function build(places) {
  return buildWithGo(places, {
    label: 'Temporal CLI',
    module: `github.com/temporalio/cli/cmd/temporal@${VERSION}`,
    program: 'temporal',
    announcement: 'the download is not reached; building it with Go, once, about 3 minutes',
  });
}
