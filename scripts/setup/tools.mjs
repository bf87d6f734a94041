/** Finds ffmpeg, ffprobe and Chromium, or installs them with apt-get when root. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { aptInstall, hasApt, onPath, programOutput, SetupError } from './commands.mjs';
import { entryFor } from './tool-record.mjs';

/** Oldest major version: earlier ones lack an option of media/exec/media-tools.ts. Builds from git have no such number. */
const MIN_FFMPEG_MAJOR = 5;

/** How each tool prints its version. Kinds that are not named print `KIND version X` with -version, as ffmpeg does. */
const VERSION_OUTPUT = {
  temporal: { args: ['--version'], pattern: /version (\S+.*\))/ },
  versitygw: { args: ['--version'], pattern: /^Version\s*: (\S+)/m },
  helm: { args: ['version', '--short'], pattern: /^(v3\.\S+)/m },
  chromium: { args: ['--version'], pattern: /(\d+\.\d[\d.]*)/ },
  hadolint: { args: ['--version'], pattern: /Haskell Dockerfile Linter v?(\S+)/i },
  'node-oldest': { args: ['--version'], pattern: /^v(20\.9\.0)$/m },
  'node-newest': { args: ['--version'], pattern: /^v(26\.\S+)$/m },
};

/** The version that the program at `path` prints, or undefined if it is not a `kind` or too old. */
export function versionOf(kind, path) {
  const known = VERSION_OUTPUT[kind];
  if (known !== undefined) return programOutput(path, known.args)?.match(known.pattern)?.[1];
  const version = programOutput(path, ['-version'])?.match(new RegExp(`^${kind} version (\\S+)`))?.[1];
  return /^\d+/.test(version ?? '') && Number.parseInt(version, 10) < MIN_FFMPEG_MAJOR ? undefined : version;
}

/** An entry of the record for the first of `candidates` that prints a version. */
export function firstWorking(kind, candidates) {
  for (const path of candidates) {
    if (path === undefined) continue;
    const version = versionOf(kind, path);
    if (version !== undefined) return entryFor(path, version);
  }
  return undefined;
}

/** An entry for the program named by `variable`. It must work: a fallback would hide a typing error. */
export function fromEnvironment(kind, variable, env) {
  const path = env[variable];
  if (!path) return undefined;
  const found = firstWorking(kind, [path]);
  if (found === undefined) throw new SetupError(`${variable} does not name a working ${kind}.`);
  return found;
}

function ffmpegStatic(root) {
  try {
    const path = createRequire(join(root, 'package.json'))('ffmpeg-static');
    return typeof path === 'string' && existsSync(path) ? path : undefined;
  } catch {
    return undefined; // an optional dependency: its download may have failed
  }
}

const INSTALL_FFMPEG =
  'Install it (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg), or set FFMPEG_PATH and FFPROBE_PATH.';

export async function findFfmpeg({ root, env }) {
  const find = () =>
    fromEnvironment('ffmpeg', 'FFMPEG_PATH', env) ??
    firstWorking('ffmpeg', [ffmpegStatic(root), onPath(['ffmpeg'], env)]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('ffmpeg', 'about 30 s', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(`ffmpeg was not found. ${INSTALL_FFMPEG}`);
}

export async function findFfprobe({ env }) {
  const beside = env.FFMPEG_PATH ? join(dirname(env.FFMPEG_PATH), 'ffprobe') : undefined;
  const find = () =>
    fromEnvironment('ffprobe', 'FFPROBE_PATH', env) ??
    firstWorking('ffprobe', [beside, onPath(['ffprobe'], env)]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('ffmpeg', 'about 30 s', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(`ffprobe, which comes with ffmpeg, was not found. ${INSTALL_FFMPEG}`);
}

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

export async function findChromium({ env }) {
  const find = () =>
    fromEnvironment('chromium', 'CHROMIUM_PATH', env) ??
    firstWorking('chromium', [onPath(CHROMIUM_NAMES, env), existsSync(MAC_CHROME) ? MAC_CHROME : undefined]);
  const found = find();
  if (found !== undefined) return found;
  if (hasApt(env) && (await aptInstall('chromium', 'about a minute', env))) {
    const installed = find();
    if (installed !== undefined) return installed;
  }
  throw new SetupError(
    'Chromium, in which tests run the console, was not found. Install it (Debian, Ubuntu: apt-get install chromium; ' +
      'macOS: brew install --cask chromium), or set CHROMIUM_PATH to a Chromium or Chrome.',
  );
}
