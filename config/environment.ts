/**
 * Every environment variable that Frameloom reads: meaning, format and default. `settings.ts` turns them into
 * settings; `edge-settings.ts` picks those that the edge shares. docs/settings.md is generated from this
 * table.
 */
import { z } from 'zod';

const bytes = z.coerce.number().int().positive();
const count = z.coerce.number().int().positive();
/** 0: unlimited. */
const limit = z.coerce.number().int().min(0).default(0);
const amount = z.coerce.number().min(0).max(1e6).default(0);

export const environment = z.object({
  FRAMELOOM_HOME: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder for all data: artifacts, the database of Temporal, temporary files. Default: the data folder of the user.',
    ),
  FRAMELOOM_STORE: z
    .string()
    .regex(
      /^(?:folder|s3:\/\/[a-z0-9][a-z0-9.-]*(?:\/[a-zA-Z0-9._/-]*)?)$/,
      'must be `folder` or `s3://bucket/prefix`',
    )
    .default('folder')
    .describe(
      'Location of artifacts: `folder`, which is `artifacts` in FRAMELOOM_HOME, or `s3://bucket/prefix` (docs/store.md).',
    ),
  FRAMELOOM_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('URL of an S3 server such as R2 or SeaweedFS. Default: AWS in the region AWS_REGION.'),
  FRAMELOOM_S3_PATH_STYLE: z
    .enum(['true', 'false'])
    .optional()
    .describe(
      'Whether URLs contain the bucket in the path instead of the host name. Default: `true` if FRAMELOOM_S3_ENDPOINT is set.',
    ),
  FRAMELOOM_STORE_CACHE: bytes
    .default(10 * 2 ** 30)
    .describe(
      'Maximum size of the local cache of a worker for artifacts of a bucket, in bytes. Files in use do not count.',
    ),
  FRAMELOOM_LIFETIMES: z
    .string()
    .optional()
    .describe(
      'Lifetimes of artifacts by class, such as `crops=2d,jobs=12h,generations=never`. docs/store.md lists the defaults.',
    ),
  FRAMELOOM_SHARED_CACHE: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'Whether tenants share what they made of equal sources, which saves work and reveals to each tenant what others have sent. All processes need the same value (docs/store.md).',
    ),
  FRAMELOOM_GC_HOURS: z.coerce
    .number()
    .int()
    .min(0)
    .default(24)
    .describe('Hours between two removals of expired artifacts. 0 disables automatic removal.'),
  AWS_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket. `auto` for R2.'),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional().describe('Access key for the bucket.'),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional().describe('Secret of the access key.'),
  AWS_SESSION_TOKEN: z.string().min(1).optional().describe('Session token of a temporary access key.'),
  AWS_CONTAINER_CREDENTIALS_FULL_URI: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Endpoint for temporary access keys, set by ECS and EKS Pod Identity. Used without AWS_ACCESS_KEY_ID.',
    ),
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File with the token for that endpoint, set by EKS.'),
  FRAMELOOM_URL: z
    .url()
    .optional()
    .describe('Server that the command line uses. Without it, commands start the embedded system.'),
  FRAMELOOM_API_KEY: z.string().min(1).optional().describe('API key that the command line sends.'),
  FRAMELOOM_API_KEYS: z
    .string()
    .optional()
    .describe(
      'API keys that the server accepts, separated by commas, each `tenant:sha256-of-key-in-hex`. Required unless the server listens on a loopback address.',
    ),
  FRAMELOOM_GATEWAY_TOKENS: z
    .string()
    .optional()
    .describe(
      'SHA-256 of the tokens of trusted gateways, in hex, separated by commas. A gateway sets the tenant in the header `Frameloom-Tenant` (docs/edge.md).',
    ),
  FRAMELOOM_GATEWAY_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'At the edge only: URL of the API to which requests are forwarded. Replaces TEMPORAL_HTTP_URL.',
    ),
  FRAMELOOM_GATEWAY_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,512}$/, 'must be one word of 32 to 512 visible characters')
    .optional()
    .describe('At the edge only: token for FRAMELOOM_GATEWAY_URL.'),
  FRAMELOOM_HOST: z.string().default('127.0.0.1').describe('Address on which the server listens.'),
  FRAMELOOM_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8484)
    .describe('Port of the API and the console. 0 selects a free port.'),
  FRAMELOOM_MODEL: z
    .string()
    .min(1)
    .default('tiny-phi3v')
    .describe('Name of a model in `models/`, or path of a model folder.'),
  FRAMELOOM_MODELS: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with models. Searched before `models` in FRAMELOOM_HOME and the bundled models. `frameloom models pull` writes to it.',
    ),
  FRAMELOOM_MODEL_THREADS: count
    .optional()
    .describe('Number of threads of the model runtime. Default: all cores.'),
  FRAMELOOM_MODEL_PROVIDER: z
    .enum(['cpu', 'cuda', 'tensorrt', 'webgpu'])
    .default('cpu')
    .describe('Execution provider of ONNX Runtime.'),
  FRAMELOOM_ORT_LIBRARY: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of a libonnxruntime to load, such as a GPU build. Default: the library of onnxruntime-node.',
    ),
  FRAMELOOM_MODEL_MEMORY: bytes
    .optional()
    .describe(
      'Maximum memory of weights and KV caches together, in bytes. Default: 80 % of the free memory. Required if the model runs on a device.',
    ),
  FRAMELOOM_MODEL_ROWS: count
    .default(8)
    .describe('Maximum number of generations that a GPU worker decodes in one batch.'),
  FRAMELOOM_KEEP_FEATURES: z
    .enum(['true', 'false'])
    .default('true')
    .describe(
      'Whether to store image features, so that retries and other prompts do not compute them again. 9.3 MB per image with four crops for the real model.',
    ),
  FRAMELOOM_MODEL_URL: z
    .url()
    .optional()
    .describe(
      'OpenAI-compatible endpoint that GPU workers use instead of a local model, such as `http://gpu:8000/v1`.',
    ),
  FRAMELOOM_MODEL_KEY: z.string().min(1).optional().describe('API key for FRAMELOOM_MODEL_URL.'),
  FRAMELOOM_CPU_QUEUES: z
    .string()
    .regex(/^(workflow|cpu|decode)(,(workflow|cpu|decode))*$/, {
      error: 'must be a list of workflow, cpu and decode, separated by commas',
    })
    .default('workflow,cpu,decode')
    .describe(
      'Task queues that a CPU worker polls. A worker of `decode` alone runs at low priority: next to a worker of the other two, ' +
        'it leaves them the processor while videos are decoded.',
    ),
  FRAMELOOM_CPU_SLOTS: count
    .optional()
    .describe(
      'Maximum number of concurrent activities of a CPU worker: this many that decode videos, and as many others. Default: the number of cores.',
    ),
  FRAMELOOM_PRICE_INPUT: amount.describe(
    'Price of one million prompt tokens. 0: not priced (docs/costs.md).',
  ),
  FRAMELOOM_PRICE_OUTPUT: amount.describe('Price of one million output tokens. 0: not priced.'),
  FRAMELOOM_PRICE_GPU_SECOND: amount.describe('Price of one second of model time. 0: not priced.'),
  FRAMELOOM_CURRENCY: z
    .string()
    .min(1)
    .max(16)
    .default('USD')
    .describe('Currency of prices and costs. A label only, never converted.'),
  FRAMELOOM_QUOTA_REQUESTS: limit.describe(
    'Maximum requests per tenant and minute, counted in each API process. 0: unlimited.',
  ),
  FRAMELOOM_QUOTA_JOBS: limit.describe(
    'Maximum unfinished jobs per tenant, without the lines of batches. 0: unlimited.',
  ),
  FRAMELOOM_QUOTA_VIDEO_SECONDS: limit.describe(
    'Maximum seconds of video per tenant and day (UTC). 0: unlimited.',
  ),
  FRAMELOOM_MAX_UPLOAD_BYTES: bytes.default(20 * 2 ** 30).describe('Maximum size of a file, in bytes.'),
  FRAMELOOM_MAX_PIXELS: bytes
    .default(67_108_864)
    .describe('Maximum number of pixels of an image or a video frame.'),
  FRAMELOOM_MAX_DURATION: count.default(172_800).describe('Maximum duration of a video, in seconds.'),
  FRAMELOOM_MAX_PAGES: count.default(5000).describe('Maximum number of pages of a deck.'),
  FRAMELOOM_ALLOW_PRIVATE_SOURCES: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'Whether source URLs may resolve to private or loopback addresses. For tests and closed networks.',
    ),
  FRAMELOOM_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe(
      'Port on which a worker serves `/metrics` for Prometheus. Default: none. In the embedded system, the GPU worker uses the next port and the decode worker the one after it.',
    ),
  FRAMELOOM_METRICS_HOST: z
    .string()
    .regex(/^[0-9a-fA-F.:]+$/, 'must be an IP address')
    .default('127.0.0.1')
    .describe('Address on which the metrics are served. `0.0.0.0` in containers.'),
  FRAMELOOM_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Minimum severity of log lines.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'OTLP/HTTP endpoint for traces, such as `http://127.0.0.1:4318`. Default: no traces. The other OpenTelemetry variables for traces apply, too (docs/deploy.md).',
    ),
  TEMPORAL_ADDRESS: z
    .string()
    .min(1)
    .default('127.0.0.1:7233')
    .describe('Frontend of Temporal, as host:port.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Namespace of Temporal.'),
  TEMPORAL_API_KEY: z.string().min(1).optional().describe('API key for Temporal Cloud.'),
  TEMPORAL_HTTP_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('At the edge only: URL of the HTTP API of Temporal, such as `https://temporal.internal:7243`.'),
  TEMPORAL_WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .max(63)
    .optional()
    .describe(
      'Build id of a worker. Jobs stay with workers of the build that started them; new jobs go to the build that `frameloom worker promote` selected last. Default: workers run any job.',
    ),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(63)
    .default('frameloom')
    .describe('Worker deployment to which TEMPORAL_WORKER_BUILD_ID belongs.'),
  FFMPEG_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('Path of ffmpeg. Default: the package ffmpeg-static, if installed, else `ffmpeg` on PATH.'),
  FFPROBE_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('Path of ffprobe. Default: next to ffmpeg, else `ffprobe` on PATH.'),
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('https://huggingface.co')
    .describe('Server from which `frameloom models pull` downloads weights: Hugging Face or a mirror.'),
  HF_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of visible characters')
    .optional()
    .describe('Access token of Hugging Face. Sent to HF_ENDPOINT only.'),
  HTTPS_PROXY: z
    .string()
    .optional()
    .describe('Proxy for https downloads of weights. `https_proxy` takes precedence.'),
  HTTP_PROXY: z
    .string()
    .optional()
    .describe(
      'Proxy for http downloads of weights, and for https without HTTPS_PROXY. `http_proxy` takes precedence.',
    ),
  NO_PROXY: z
    .string()
    .optional()
    .describe(
      'Hosts that are reached without a proxy, separated by commas. `*` for all. `no_proxy` takes precedence.',
    ),
  SOFFICE_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('Path of LibreOffice, which renders PPTX slides. Default: `soffice` on PATH, if it exists.'),
  FRAMELOOM_WITHOUT_LIBREOFFICE: z
    .enum(['text', 'reject'])
    .default('text')
    .describe(
      'Handling of a PPTX if LibreOffice is missing: `text` summarizes its text and notes and reports a gap for each image, `reject` fails the job.',
    ),
  FRAMELOOM_TRANSCRIBE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'OpenAI-compatible API for speech to text, such as `https://api.openai.com/v1`. Default: speech is not transcribed.',
    ),
  FRAMELOOM_TRANSCRIBE_MODEL: z
    .string()
    .min(1)
    .default('whisper-1')
    .describe('Model that FRAMELOOM_TRANSCRIBE_URL uses.'),
  FRAMELOOM_TRANSCRIBE_API_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('API key for FRAMELOOM_TRANSCRIBE_URL.'),
});
