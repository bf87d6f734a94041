/** The S3 server that tests of the store run against: versitygw, which serves a folder. Without it those tests are skipped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, say } from './commands.mjs';
import { buildWithGo } from './go.mjs';
import { firstThatAnswers, given } from './tools.mjs';

const VERSION = 'v1.8.0';

export async function findVersitygw({ env, cache }) {
  const cached = join(cache, 'bin', 'versitygw');
  const candidates = () => [onPath(['versitygw'], env), existsSync(cached) ? cached : undefined];
  const found = given('versitygw', 'VERSITYGW_PATH', env) ?? firstThatAnswers('versitygw', candidates());
  if (found !== undefined) return found;
  await buildWithGo(
    { env, cache, cached },
    {
      label: 'versitygw',
      module: `github.com/versity/versitygw/cmd/versitygw@${VERSION}`,
      program: 'versitygw',
      announcement: 'building the S3 server of the tests with Go, once, about a minute',
    },
  );
  const built = firstThatAnswers('versitygw', candidates());
  if (built === undefined) {
    say(
      'versitygw, the S3 server of the tests, was not found, and cannot be built without Go: its tests are skipped.',
    );
  }
  return built;
}
