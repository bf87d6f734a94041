/**
 * Settings of a process, read from environment variables. Process entry points call `loadSettings` once;
 * nothing else reads the environment.
 */
import type { z } from 'zod';
import type { Prices } from '../schema/usage-cost.ts';
import { environment } from './environment.ts';
import type { Quotas } from './quotas.ts';

type Name = keyof typeof environment.shape;

export interface Settings {
  readonly home: string;
  /** Undefined: artifacts are in a folder. */
  readonly bucket: BucketSettings | undefined;
  readonly storeCache: number;
  readonly lifetimes: string;
  readonly sharedCache: boolean;
  readonly gcHours: number;
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  readonly apiKeys: string | undefined;
  readonly gatewayTokens: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly model: string;
  readonly models: string | undefined;
  readonly modelThreads: number | undefined;
  readonly modelProvider: 'cpu' | 'cuda' | 'tensorrt' | 'webgpu';
  readonly ortLibrary: string | undefined;
  readonly modelMemory: number | undefined;
  readonly modelRows: number;
  readonly keepFeatures: boolean;
  readonly modelUrl: string | undefined;
  readonly modelKey: string | undefined;
  /** Task queues that a CPU worker polls: `workflow`, `cpu`, `decode`. */
  readonly cpuQueues: ReadonlySet<string>;
  readonly cpuSlots: number | undefined;
  /** Undefined: costs are not computed. */
  readonly prices: Prices | undefined;
  readonly quotas: Quotas;
  readonly maxUploadBytes: number;
  readonly maxPixels: number;
  readonly maxDuration: number;
  readonly maxPages: number;
  readonly allowPrivateSources: boolean;
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalApiKey: string | undefined;
  /** Undefined: workers have no version. */
  readonly buildId: string | undefined;
  readonly deploymentName: string;
  readonly ffmpeg: string | undefined;
  readonly ffprobe: string | undefined;
  readonly hfEndpoint: string;
  readonly hfToken: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly httpProxy: string | undefined;
  readonly noProxy: string | undefined;
  readonly soffice: string | undefined;
  /** Folders in which programs are searched, in the format of PATH. */
  readonly searchPath: string;
  readonly withoutLibreOffice: 'text' | 'reject';
  /** Undefined: speech is not transcribed. */
  readonly transcription: TranscriptionSettings | undefined;
}

/** A bucket for artifacts. */
export interface BucketSettings {
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly endpoint: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly credentials: BucketCredentials;
}

export type BucketCredentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | { readonly uri: string; readonly tokenFile: string | undefined };

/** The API that transcribes speech. */
export interface TranscriptionSettings {
  /** URL of the API including its version. `/audio/transcriptions` is appended. */
  readonly url: string;
  readonly model: string;
  readonly apiKey: string | undefined;
}

/** An unknown or malformed setting. The message names it and is safe to print. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads all settings from `env`, which is `process.env` in an entry point.
 *
 * @throws SettingsError for an unknown variable that starts with `FRAMELOOM_`, and for a malformed value.
 */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const { given, variables: e } = readVariables(env);
  return {
    home:
      e.FRAMELOOM_HOME ??
      `${given.XDG_DATA_HOME ?? `${given.HOME ?? given.USERPROFILE ?? '.'}/.local/share`}/frameloom`,
    bucket: bucketSettings(e),
    storeCache: e.FRAMELOOM_STORE_CACHE,
    lifetimes: e.FRAMELOOM_LIFETIMES ?? '',
    sharedCache: e.FRAMELOOM_SHARED_CACHE === 'true',
    gcHours: e.FRAMELOOM_GC_HOURS,
    url: e.FRAMELOOM_URL,
    apiKey: e.FRAMELOOM_API_KEY,
    apiKeys: e.FRAMELOOM_API_KEYS,
    gatewayTokens: e.FRAMELOOM_GATEWAY_TOKENS,
    host: e.FRAMELOOM_HOST,
    port: e.FRAMELOOM_PORT,
    model: e.FRAMELOOM_MODEL,
    models: e.FRAMELOOM_MODELS,
    modelThreads: e.FRAMELOOM_MODEL_THREADS,
    modelProvider: e.FRAMELOOM_MODEL_PROVIDER,
    ortLibrary: e.FRAMELOOM_ORT_LIBRARY,
    modelMemory: e.FRAMELOOM_MODEL_MEMORY,
    modelRows: e.FRAMELOOM_MODEL_ROWS,
    keepFeatures: e.FRAMELOOM_KEEP_FEATURES === 'true',
    modelUrl: e.FRAMELOOM_MODEL_URL,
    modelKey: e.FRAMELOOM_MODEL_KEY,
    cpuQueues: new Set(e.FRAMELOOM_CPU_QUEUES.split(',')),
    cpuSlots: e.FRAMELOOM_CPU_SLOTS,
    prices: pricesFrom(e),
    quotas: {
      requests: e.FRAMELOOM_QUOTA_REQUESTS,
      jobs: e.FRAMELOOM_QUOTA_JOBS,
      videoSeconds: e.FRAMELOOM_QUOTA_VIDEO_SECONDS,
    },
    maxUploadBytes: e.FRAMELOOM_MAX_UPLOAD_BYTES,
    maxPixels: e.FRAMELOOM_MAX_PIXELS,
    maxDuration: e.FRAMELOOM_MAX_DURATION,
    maxPages: e.FRAMELOOM_MAX_PAGES,
    allowPrivateSources: e.FRAMELOOM_ALLOW_PRIVATE_SOURCES === 'true',
    metricsPort: e.FRAMELOOM_METRICS_PORT,
    metricsHost: e.FRAMELOOM_METRICS_HOST,
    otlpEndpoint: e.OTEL_EXPORTER_OTLP_ENDPOINT,
    logLevel: e.FRAMELOOM_LOG_LEVEL,
    temporalAddress: e.TEMPORAL_ADDRESS,
    temporalNamespace: e.TEMPORAL_NAMESPACE,
    temporalApiKey: e.TEMPORAL_API_KEY,
    buildId: e.TEMPORAL_WORKER_BUILD_ID,
    deploymentName: e.TEMPORAL_DEPLOYMENT_NAME,
    ffmpeg: e.FFMPEG_PATH,
    ffprobe: e.FFPROBE_PATH,
    hfEndpoint: e.HF_ENDPOINT,
    hfToken: e.HF_TOKEN,
    // Lower-case names take precedence, as in other programs.
    httpsProxy: given.https_proxy ?? e.HTTPS_PROXY,
    httpProxy: given.http_proxy ?? e.HTTP_PROXY,
    noProxy: given.no_proxy ?? e.NO_PROXY,
    soffice: e.SOFFICE_PATH,
    searchPath: given.PATH ?? '',
    withoutLibreOffice: e.FRAMELOOM_WITHOUT_LIBREOFFICE,
    transcription:
      e.FRAMELOOM_TRANSCRIBE_URL === undefined
        ? undefined
        : {
            url: e.FRAMELOOM_TRANSCRIBE_URL,
            model: e.FRAMELOOM_TRANSCRIBE_MODEL,
            apiKey: e.FRAMELOOM_TRANSCRIBE_API_KEY,
          },
  };
}

/** Reads the variables that are set. An empty one counts as not set. @throws SettingsError. */
function readVariables(env: Readonly<Record<string, string | undefined>>): {
  readonly given: Readonly<Record<string, string | undefined>>;
  readonly variables: z.infer<typeof environment>;
} {
  for (const name of Object.keys(env)) {
    if (name.startsWith('FRAMELOOM_') && !Object.hasOwn(environment.shape, name)) {
      throw new SettingsError(`${name} is not a setting. docs/settings.md lists all of them.`);
    }
  }
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SettingsError(`${String(issue?.path[0])}: ${issue?.message}. See docs/settings.md.`);
  }
  return { given, variables: parsed.data };
}

type BucketVariables = Pick<
  z.infer<typeof environment>,
  | 'FRAMELOOM_STORE'
  | 'FRAMELOOM_S3_ENDPOINT'
  | 'FRAMELOOM_S3_PATH_STYLE'
  | 'AWS_REGION'
  | 'AWS_ACCESS_KEY_ID'
  | 'AWS_SECRET_ACCESS_KEY'
  | 'AWS_SESSION_TOKEN'
> &
  Partial<
    Pick<
      z.infer<typeof environment>,
      'AWS_CONTAINER_CREDENTIALS_FULL_URI' | 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'
    >
  >;

/** The bucket of the variables; undefined for a folder. @throws SettingsError if access keys are missing. */
export function bucketSettings(e: BucketVariables): BucketSettings | undefined {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(e.FRAMELOOM_STORE) ?? [];
  if (bucket === undefined) return undefined;
  return {
    bucket,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    endpoint: e.FRAMELOOM_S3_ENDPOINT ?? `https://s3.${e.AWS_REGION}.amazonaws.com`,
    region: e.AWS_REGION,
    pathStyle:
      e.FRAMELOOM_S3_PATH_STYLE === undefined
        ? e.FRAMELOOM_S3_ENDPOINT !== undefined
        : e.FRAMELOOM_S3_PATH_STYLE === 'true',
    credentials: bucketCredentials(e),
  };
}

function pricesFrom(e: z.infer<typeof environment>): Prices | undefined {
  const { FRAMELOOM_PRICE_INPUT: input, FRAMELOOM_PRICE_OUTPUT: output } = e;
  const gpuSecond = e.FRAMELOOM_PRICE_GPU_SECOND;
  if (input + output + gpuSecond === 0) return undefined;
  return { currency: e.FRAMELOOM_CURRENCY, input, output, gpuSecond };
}

function bucketCredentials(e: BucketVariables): BucketCredentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = e;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const sessionToken = e.AWS_SESSION_TOKEN;
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  }
  const uri = e.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (uri !== undefined) return { uri, tokenFile: e.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE };
  throw new SettingsError('A bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
}

/** Name, default and description of every setting, for docs/settings.md. */
export function settingsTable(): readonly {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}[] {
  return (Object.keys(environment.shape) as Name[]).map((name) => {
    const schema = environment.shape[name];
    const fallback = schema.safeParse(undefined);
    return {
      name,
      default: fallback.success && fallback.data !== undefined ? String(fallback.data) : '',
      meaning: schema.description ?? '',
    };
  });
}
