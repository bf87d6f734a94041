/** What keeps the system from starting is said on the terminal, at once, and the command ends with an exit code. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../cli/package-root.ts';
import { cleanEnv, run, runFrameloom } from './run-frameloom.ts';

const DECK = join(packageRoot(), 'samples', 'sample-deck.pdf');
let home: string;
let taken: Server;
let port: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'frameloom-start-errors-'));
  await writeFile(join(home, 'file'), '');
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  port = String(typeof address === 'object' ? address?.port : 0);
});
afterAll(async () => {
  taken.close();
  await rm(home, { recursive: true, force: true });
});

type Settings = Readonly<Record<string, string>>;

it.concurrent.each<
  [what: string, args: readonly string[], settings: () => Settings, message: RegExp, code: number]
>([
  [
    'a port that is taken',
    ['start'],
    () => ({ FRAMELOOM_PORT: port }),
    /^frameloom: Port \d+ of 127.0.0.1 .*another program/m,
    2,
  ],
  [
    'a port that is taken',
    ['serve'],
    () => ({ FRAMELOOM_PORT: port }),
    /^frameloom: Port \d+ of 127.0.0.1 .*another program/m,
    2,
  ],
  [
    'an address of another machine',
    ['start'],
    () => ({ FRAMELOOM_HOST: '192.0.2.1' }),
    /does not have the address/,
    2,
  ],
  [
    'no keys for other machines',
    ['start'],
    () => ({ FRAMELOOM_HOST: '0.0.0.0' }),
    /FRAMELOOM_API_KEYS is required/,
    2,
  ],
  [
    'no keys for other machines',
    ['serve'],
    () => ({ FRAMELOOM_HOST: '0.0.0.0' }),
    /FRAMELOOM_API_KEYS is required/,
    2,
  ],
  [
    'a missing model',
    ['summarize', DECK],
    () => ({ FRAMELOOM_MODEL: 'none' }),
    /No model "none" is installed/,
    1,
  ],
  [
    'a missing model',
    ['worker', 'gpu'],
    () => ({ FRAMELOOM_MODEL: 'none' }),
    /No model "none" is installed/,
    2,
  ],
  ['a missing ffmpeg', ['start'], () => ({ FFMPEG_PATH: '/nowhere/ffmpeg' }), /ffmpeg was not found/, 1],
  [
    'a missing Temporal CLI',
    ['start'],
    () => ({ TEMPORAL_CLI_PATH: '/nowhere/temporal' }),
    /Temporal CLI .*\/nowhere\/temporal/,
    1,
  ],
  [
    'a Temporal server that is not there',
    ['start'],
    () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    /No Temporal server responds at 127.0.0.1:1/,
    1,
  ],
  [
    'a home that cannot be written to',
    ['summarize', DECK],
    () => ({ FRAMELOOM_HOME: join(home, 'file', 'home') }),
    /home folder .* cannot be written to/,
    2,
  ],
  ['a malformed setting', ['start'], () => ({ FRAMELOOM_CPU_SLOTS: 'many' }), /FRAMELOOM_CPU_SLOTS/, 2],
])('%s ends `%s`', async (what, args, settings, message, code) => {
  const data = join(home, `${what} ${args[0]}`);
  const ended = await runFrameloom(args, { FRAMELOOM_HOME: data, ...settings() });
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).not.toContain('    at ');
  expect(ended.code).toBe(code);
  // Nothing is left that would keep the next start from this home.
  expect(await readdir(data).catch(() => [])).not.toContain('system.json');
});

it('`npm run demo` ends with the reason too', async () => {
  const demo = ['--import', 'tsx', join(packageRoot(), 'scripts', 'demo.ts')];
  const ended = await run(process.execPath, demo, cleanEnv({ FRAMELOOM_MODEL_ROWS: 'many' }));
  expect(ended.stderr).toMatch(/^frameloom: .*FRAMELOOM_MODEL_ROWS/m);
  expect(ended.code).toBe(2);
});
