/** The checks of `doctor`. Programs are run for their version: a file that does not run counts as missing. */
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
  /** `missing`: Frameloom does not run without it. `optional`: a feature is missing or slower. */
  readonly status: 'ok' | 'missing' | 'optional';
  /** Version and path, or the problem. */
  readonly found: string;
  readonly advice?: string;
}

const SET_UP = 'Run `node scripts/setup.mjs start` in a clone of the repository';
/** Less free space is reported: a long video and its frames need about as much. */
const LOW_DISK_BYTES = 2e9;

/** Runs all checks. Problems are returned as findings, not thrown. */
export async function runDoctorChecks(env: Env, settings: Settings): Promise<readonly Finding[]> {
  return Promise.all([
    checkNode(),
    checkProgram(
      'ffmpeg',
      env,
      ['-version'],
      'missing',
      `${SET_UP}, or install ffmpeg 5.1 or later, or set FFMPEG_PATH.`,
    ),
    checkProgram(
      'ffprobe',
      env,
      ['-version'],
      'missing',
      `${SET_UP}, or install ffmpeg 5.1 or later, or set FFPROBE_PATH.`,
    ),
    checkTemporal(env, settings),
    checkModel(settings),
    ...(settings.modelUrl === undefined ? [] : [checkModelEndpoint(settings)]),
    checkRuntime(settings),
    ...(settings.bucket === undefined ? [] : [checkBucket(settings.bucket.bucket, settings)]),
    checkDisk(settings),
    checkProgram(
      'chromium',
      env,
      ['--version'],
      'optional',
      'Only tests of the console use it: install Chromium or set CHROMIUM_PATH.',
    ),
    checkLibreOffice(env),
  ]);
}

function checkNode(): Finding {
  const memory = formatBytes(totalmem());
  return {
    name: 'node',
    status: 'ok',
    found: `${process.versions.node}, ${process.platform} ${process.arch}, ${availableParallelism()} cores, ${memory} of memory`,
  };
}

async function checkProgram(
  name: ToolName,
  env: Env,
  args: readonly string[],
  statusIfMissing: 'missing' | 'optional',
  advice: string,
): Promise<Finding> {
  const path = findTool(name, env);
  if (path === undefined) return { name, status: statusIfMissing, found: 'not found', advice };
  const version = await readVersion(path, args);
  if (version !== undefined) return { name, status: 'ok', found: `${version}  ${path}` };
  return {
    name,
    status: statusIfMissing,
    found: `${path} does not run`,
    advice: `Check ${toolVariable(name)}. ${advice}`,
  };
}

async function checkTemporal(env: Env, settings: Settings): Promise<Finding> {
  if (!env.TEMPORAL_ADDRESS) {
    return checkProgram(
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
      found: `no response from ${address}`,
      advice: 'Check TEMPORAL_ADDRESS, or unset it to use an embedded server.',
    };
  }
}

async function checkModel(settings: Settings): Promise<Finding> {
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

async function checkModelEndpoint(settings: Settings): Promise<Finding> {
  const name = 'endpoint';
  const report = await checkEndpoint(settings);
  const { origin = '', model: served, problem } = report ?? {};
  if (served === undefined) {
    return {
      name,
      status: 'missing',
      found: `${origin}: ${problem}`,
      advice:
        'Check FRAMELOOM_MODEL_URL and FRAMELOOM_MODEL_KEY, or unset them to run the model on this machine.',
    };
  }
  const found = `${origin} serves ${served}`;
  if (served === settings.model) return { name, status: 'ok', found };
  const advice = 'The name differs from FRAMELOOM_MODEL, whose profile determines the prompts.';
  return { name, status: 'ok', found, advice };
}

async function checkRuntime(settings: Settings): Promise<Finding> {
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
      advice: 'It works but is slower: run `npm ci` with optional dependencies for the fast implementation.',
    };
  }
  return {
    name,
    status: 'missing',
    found: found?.problem ?? 'it cannot be loaded',
    advice: 'Run `npm ci` again. The platform may not be supported by onnxruntime-node.',
  };
}

/** Advice by problem of the bucket. */
const BUCKET_ADVICE = {
  unreachable:
    'Check FRAMELOOM_STORE, FRAMELOOM_S3_ENDPOINT, AWS_REGION and the keys. docs/store.md lists the permissions.',
  overwrites:
    'Workers could overwrite each other’s results. Use a server that rejects `If-None-Match: *` with 412 (docs/store.md), or FRAMELOOM_STORE=folder.',
  'no-ranges':
    'Large artifacts are read in ranges. Use a server that supports range requests (docs/store.md).',
} as const;

async function checkBucket(name: string, settings: Settings): Promise<Finding> {
  const report = settings.bucket && (await inspectBucket(bucketOptions(settings.bucket)));
  if (report === undefined || report.works)
    return { name: 'bucket', status: 'ok', found: `${name} is reachable and does not overwrite objects` };
  const advice = BUCKET_ADVICE[report.problem];
  return { name: 'bucket', status: 'missing', found: `${name}: ${report.reason}`, advice };
}

async function checkDisk(settings: Settings): Promise<Finding> {
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

async function checkLibreOffice(env: Env): Promise<Finding> {
  const name = 'libreoffice';
  const path = env.SOFFICE_PATH || findOnPath(['soffice', 'libreoffice'], env);
  const version = path === undefined ? undefined : await readVersion(path, ['--version']);
  if (version !== undefined) return { name, status: 'ok', found: `${version}  ${path}` };
  return {
    name,
    status: 'optional',
    found: path === undefined ? 'not found' : `${path} does not run`,
    advice:
      'Only images of PPTX slides require it: install the package libreoffice-impress, or set SOFFICE_PATH. Without it only their text and notes are summarized.',
  };
}

/** Returns the first line of a program's output without the copyright, or undefined if it does not run. */
function readVersion(path: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: 15_000 }, (error, stdout) => {
      const line = stdout.split('\n')[0] ?? '';
      resolve(error ? undefined : line.replace(/ Copyright.*/, '').trim());
    });
  });
}
