/**
 * Checks the container files of deploy/ against rules that hadolint and the Docker documentation share; hadolint itself is
 * no npm package. Prints each violation as file:line and exits with 1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../cli/package-root.ts';
import { containerFileProblems, parseContainerFile } from './container-file.ts';

const folder = join(packageRoot(), 'deploy');
const problems = readdirSync(folder)
  .filter((name) => name.endsWith('.Dockerfile'))
  .flatMap((name) =>
    containerFileProblems(parseContainerFile(readFileSync(join(folder, name), 'utf8'))).map(
      ({ line, message }) => `deploy/${name}:${line} ${message}`,
    ),
  );
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
