/** The text of docs/settings.md, from the table of settings. */
import { settingsTable } from '../../config/settings.ts';

export function settingsDocument(): string {
  const rows = settingsTable().map(
    ({ name, default: fallback, meaning }) =>
      `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning.replaceAll('|', '\\|')} |`,
  );
  return [
    '# Settings',
    '',
    'Every process of Frameloom is set by environment variables. An unknown or malformed one stops the process with a message',
    'that names it. This page is made by `npm run docs:settings`.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    'Set-up and `frameloom doctor` also look at `TEMPORAL_CLI_PATH` and `CHROMIUM_PATH`, which name programs to use.',
    '',
  ].join('\n');
}
