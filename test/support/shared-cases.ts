/** The small files beside this checkout on which something once failed. Tests that use them skip where they are missing. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../shared/cases', import.meta.url));

/** For `skip(CASES_ABSENT, CASES_REASON)` in `beforeEach`. */
export const CASES_ABSENT = !existsSync(FOLDER);
export const CASES_REASON = 'the files of shared/cases are not beside this checkout';

/** The path of one of the files, e.g. `media/v4-cat.ts`. */
export function casePath(name: string): string {
  return `${FOLDER}/${name}`;
}
