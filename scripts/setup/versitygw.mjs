/** versitygw, an S3 server for tests that stores objects in a folder. Without it those tests are skipped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, report } from './commands.mjs';
import { buildWithGo } from './go.mjs';
import { firstWorking, fromEnvironment } from './tools.mjs';

const VERSION = 'v1.8.0';

export async function findVersitygw({ env, cache }) {
  const cached = join(cache, 'bin', 'versitygw');
  const candidates = () => [onPath(['versitygw'], env), existsSync(cached) ? cached : undefined];
  const found =
    fromEnvironment('versitygw', 'VERSITYGW_PATH', env) ?? firstWorking('versitygw', candidates());
  if (found !== undefined) return found;
  await buildWithGo(
    { env, cache, cached },
    {
      label: 'versitygw',
      module: `github.com/versity/versitygw/cmd/versitygw@${VERSION}`,
      program: 'versitygw',
      announcement: 'building with Go, once, about a minute',
    },
  );
  const built = firstWorking('versitygw', candidates());
  if (built === undefined) {
    report('versitygw was not found and cannot be built without Go: tests of S3 are skipped');
  }
  return built;
}
