/** What `doctor` looks at. Each part is asked for its version: a file that is there but does not run is missing. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Settings } from '../../../config/settings.ts';
import { ERRORS, FrameloomError } from '../../../core/errors.ts';
import { formatBytes } from '../../../core/format.ts';
import { inspectModelFolder } from '../../../phi3v/index.ts';
import { bucketOptions } from '../../../store/open-store.ts';
import { inspectBucket } from '../../../store/s3/index.ts';
import { checkEndpoint, describeRuntime, resolveModel } from '../../../workers/models/index.ts';
import { findOnPath, findTool, type ToolName, toolVariable } from '../../find-tool.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Finding {
  readonly name: string;
  /** `missing`: Frameloom does not run without it. `optional`: something less is lost. */
  readonly status: 'ok' | 'missing' | 'optional';
  /** Version, place, or what is lost. */
  readonly found: string;
  readonly advice?: string;
}

const SET_UP = 'Run `node scripts/setup.mjs start` in a clone of the repository';
/** Less free space than this is worth a warning: a long video and its frames need about as much. */
const LOW_DISK_BYTES = 2e9;

/** Looks at everything. Never throws for what it finds. */
export async function runDoctorChecks(env: Env, settings: Settings): Promise<readonly Finding[]> {
  return Promise.all([
    node(),
    program(
      'ffmpeg',
      env,
      ['-version'],
      'missing',
      `${SET_UP}, or install ffmpeg 5.1 or later, or set FFMPEG_PATH.`,
    ),
    program(
      'ffprobe',
      env,
      ['-version'],
      'missing',
      `${SET_UP}, or install ffmpeg 5.1 or later, or set FFPROBE_PATH.`,
    ),
    temporal(env, settings),
    model(settings),
    ...(settings.modelUrl === undefined ? [] : [endpoint(settings)]),
    runtime(settings),
    ...(settings.bucket === undefined ? [] : [bucket(settings.bucket.bucket, settings)]),
    disk(settings),
    program(
      'chromium',
      env,
      ['--version'],
      'optional',
      'Only tests of the console need it: install Chromium or set CHROMIUM_PATH.',
    ),
    libreOffice(env),
  ]);
}

function node(): Finding {
  const memory = formatBytes(totalmem());
  return {
    name: 'node',
    status: 'ok',
    found: `${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores, ${memory} of memory`,
  };
}

async function program(
  name: ToolName,
  env: Env,
  args: readonly string[],
  without: 'missing' | 'optional',
  advice: string,
): Promise<Finding> {
  const path = findTool(name, env);
  if (path === undefined) return { name, status: without, found: 'not found', advice };
  const version = await versionOf(path, args);
  if (version !== undefined) return { name, status: 'ok', found: `${version}  ${path}` };
  return {
    name,
    status: without,
    found: `${path} does not run`,
    advice: `Check ${toolVariable(name)}. ${advice}`,
  };
}

async function temporal(env: Env, settings: Settings): Promise<Finding> {
  if (!env.TEMPORAL_ADDRESS) {
    return program(
      'temporal',
      env,
      ['--version'],
      'missing',
      `${SET_UP}, or install the Temporal CLI (https://docs.temporal.io/cli), or set TEMPORAL_CLI_PATH or TEMPORAL_ADDRESS.`,
    );
  }
  const { Connection } = await import('@temporalio/client');
  const address = settings.temporalAddress;
  try {
    const connection = await Connection.connect({
      address,
      connectTimeout: '5s',
      ...(settings.temporalApiKey === undefined ? {} : { apiKey: settings.temporalApiKey, tls: true }),
    });
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    await connection.close();
    return { name: 'temporal', status: 'ok', found: `server ${serverVersion} at ${address}` };
  } catch {
    return {
      name: 'temporal',
      status: 'missing',
      found: `no server answers at ${address}`,
      advice: 'Check TEMPORAL_ADDRESS, or unset it to use an embedded server.',
    };
  }
}

async function model(settings: Settings): Promise<Finding> {
  const name = 'model';
  try {
    const { folder, profile } = await resolveModel(settings);
    if (settings.modelUrl !== undefined) {
      const found = `${profile.name}, revision ${profile.revision}. GPU workers run it at FRAMELOOM_MODEL_URL.`;
      return { name, status: 'ok', found };
    }
    const { complete, message } = await inspectModelFolder(folder);
    return complete
      ? { name, status: 'ok', found: `${profile.name}, revision ${profile.revision}. ${message}` }
      : { name, status: 'missing', found: profile.name, advice: message };
  } catch (error) {
    if (!(error instanceof FrameloomError)) throw error;
    return { name, status: 'missing', found: error.message, advice: ERRORS[error.code].hint };
  }
}

async function endpoint(settings: Settings): Promise<Finding> {
  const name = 'endpoint';
  const report = await checkEndpoint(settings);
  const { origin = '', model: served, problem } = report ?? {};
  if (served === undefined) {
    return {
      name,
      status: 'missing',
      found: `${origin}: ${problem}`,
      advice:
        'Check FRAMELOOM_MODEL_URL and FRAMELOOM_MODEL_KEY, or unset them to use a model of this machine.',
    };
  }
  const found = `${origin} answers and serves ${served}`;
  if (served === settings.model) return { name, status: 'ok', found };
  const advice = 'It is another name than FRAMELOOM_MODEL, whose profile says what is asked of the model.';
  return { name, status: 'ok', found, advice };
}

async function runtime(settings: Settings): Promise<Finding> {
  const name = 'onnxruntime';
  const found = await describeRuntime(settings).catch(() => undefined);
  if (found?.runtime !== undefined && found.problem === undefined) {
    return { name, status: 'ok', found: found.runtime };
  }
  if (found?.runtime !== undefined) {
    return {
      name,
      status: 'optional',
      found: `${found.runtime}: ${found.problem}`,
      advice: 'It works, and is slower: run `npm ci` with optional dependencies for the fast way.',
    };
  }
  return {
    name,
    status: 'missing',
    found: found?.problem ?? 'it cannot be loaded',
    advice: 'Run `npm ci` again; this platform may be one that onnxruntime-node is not made for.',
  };
}

/** What to do about a bucket, by what it does not do. */
const BUCKET_ADVICE = {
  unreachable:
    'Check FRAMELOOM_STORE, FRAMELOOM_S3_ENDPOINT, AWS_REGION and the keys; docs/store.md has the permissions.',
  overwrites:
    'Two workers would change each other’s results. Use a server that answers 412 to `If-None-Match: *` (docs/store.md), or FRAMELOOM_STORE=folder.',
  'no-ranges': 'Large artifacts are read by ranges. Use a server that has them (docs/store.md).',
} as const;

async function bucket(name: string, settings: Settings): Promise<Finding> {
  const report = settings.bucket && (await inspectBucket(bucketOptions(settings.bucket)));
  if (report === undefined || report.works)
    return { name: 'bucket', status: 'ok', found: `${name} answers and keeps what was written first` };
  const advice = BUCKET_ADVICE[report.problem];
  return { name: 'bucket', status: 'missing', found: `${name}: ${report.reason}`, advice };
}

async function disk(settings: Settings): Promise<Finding> {
  const name = 'disk';
  try {
    let folder = settings.home;
    while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const found = `${formatBytes(free)} free for ${settings.home}`;
    if (free > LOW_DISK_BYTES) return { name, status: 'ok', found };
    return {
      name,
      status: 'optional',
      found,
      advice: 'Free some space, or set FRAMELOOM_HOME to another disk.',
    };
  } catch {
    return {
      name,
      status: 'missing',
      found: 'the home folder cannot be read',
      advice: 'Check FRAMELOOM_HOME.',
    };
  }
}

async function libreOffice(env: Env): Promise<Finding> {
  const name = 'libreoffice';
  const path = env.SOFFICE_PATH || findOnPath(['soffice', 'libreoffice'], env);
  const version = path === undefined ? undefined : await versionOf(path, ['--version']);
  if (version !== undefined) return { name, status: 'ok', found: `${version}  ${path}` };
  return {
    name,
    status: 'optional',
    found: path === undefined ? 'not found' : `${path} does not run`,
    advice:
      'Only PPTX slides need it: install the package libreoffice-impress, or set SOFFICE_PATH. Without it their text and notes are summarized.',
  };
}

/** The first line that a program answers, cut to its version. */
function versionOf(path: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: 15_000 }, (error, stdout) => {
      const line = stdout.split('\n')[0] ?? '';
      resolve(error ? undefined : line.replace(/ Copyright.*/, '').trim());
    });
  });
}
