/**
 * Every environment variable that Frameloom reads, with its meaning, form and default. What is made of them is `settings.ts`; the
 * edge, which has other ones, picks from here what it shares (`edge-settings.ts`). docs/settings.md is generated from this table.
 */
import { z } from 'zod';

const bytes = z.coerce.number().int().positive();
const count = z.coerce.number().int().positive();
/** 0 for none. */
const limit = z.coerce.number().int().min(0).default(0);
const amount = z.coerce.number().min(0).max(1e6).default(0);

/** Every variable with its meaning. */
export const environment = z.object({
  FRAMELOOM_HOME: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of all data: artifacts, Temporal's database, scratch. Default: the user's data folder.",
    ),
  FRAMELOOM_STORE: z
    .string()
    .regex(
      /^(?:folder|s3:\/\/[a-z0-9][a-z0-9.-]*(?:\/[a-zA-Z0-9._/-]*)?)$/,
      'must be `folder` or `s3://bucket/prefix`',
    )
    .default('folder')
    .describe(
      'Where artifacts are: `folder`, which is `artifacts` in FRAMELOOM_HOME, or `s3://bucket/prefix` (docs/store.md).',
    ),
  FRAMELOOM_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Address of an S3 server such as R2 or SeaweedFS. Default: AWS in the region of AWS_REGION.'),
  FRAMELOOM_S3_PATH_STYLE: z
    .enum(['true', 'false'])
    .optional()
    .describe(
      'Whether the bucket stands in the path of addresses and not in the host name. Default: where FRAMELOOM_S3_ENDPOINT is set.',
    ),
  FRAMELOOM_STORE_CACHE: bytes
    .default(10 * 2 ** 30)
    .describe('Most bytes of a bucket that a worker keeps as local files while nobody uses them.'),
  FRAMELOOM_LIFETIMES: z
    .string()
    .optional()
    .describe(
      'Lifetimes of artifacts by class that differ from the defaults of docs/store.md, such as `crops=2d,jobs=12h,generations=never`.',
    ),
  FRAMELOOM_GC_HOURS: z.coerce
    .number()
    .int()
    .min(0)
    .default(24)
    .describe('Hours between two removals of what has outlived its lifetime; 0 removes nothing by itself.'),
  AWS_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket; `auto` for R2.'),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional().describe('Access key of the bucket.'),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional().describe('Secret of the access key.'),
  AWS_SESSION_TOKEN: z.string().min(1).optional().describe('Token that goes with a temporary access key.'),
  AWS_CONTAINER_CREDENTIALS_FULL_URI: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where ECS and EKS Pod Identity give out temporary access keys; set by them. Used without AWS_ACCESS_KEY_ID.',
    ),
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('File with the token for that address; set by EKS.'),
  FRAMELOOM_URL: z
    .url()
    .optional()
    .describe('Server the command line talks to. Without it, commands start the embedded system.'),
  FRAMELOOM_API_KEY: z.string().min(1).optional().describe('Key the command line sends.'),
  FRAMELOOM_API_KEYS: z
    .string()
    .optional()
    .describe(
      'Keys the server accepts, separated by commas, each `tenant:sha256-of-key-in-hex`. Required unless it listens on loopback.',
    ),
  FRAMELOOM_GATEWAY_TOKENS: z
    .string()
    .optional()
    .describe(
      'SHA-256, in hex and separated by commas, of the tokens of edges that name the tenant themselves, in `Frameloom-Tenant` (docs/edge.md).',
    ),
  FRAMELOOM_GATEWAY_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('At the edge only: address of the API to which it forwards, in place of TEMPORAL_HTTP_URL.'),
  FRAMELOOM_GATEWAY_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,512}$/, 'must be one word of 32 to 512 visible characters')
    .optional()
    .describe('At the edge only: token that goes with it.'),
  FRAMELOOM_HOST: z.string().default('127.0.0.1').describe('Address the server listens on.'),
  FRAMELOOM_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8484)
    .describe('Port of API and console; 0 takes a free one.'),
  FRAMELOOM_MODEL: z
    .string()
    .min(1)
    .default('tiny-phi3v')
    .describe('Name of a model under `models/`, or the path of a model folder.'),
  FRAMELOOM_MODELS: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with models, searched before `models` in FRAMELOOM_HOME and the bundled ones; `frameloom models pull` writes to it.',
    ),
  FRAMELOOM_MODEL_THREADS: count.optional().describe('Threads of the model runtime; default: all cores.'),
  FRAMELOOM_MODEL_PROVIDER: z
    .enum(['cpu', 'cuda', 'tensorrt', 'webgpu'])
    .default('cpu')
    .describe('Execution provider of ONNX Runtime that the model runs on.'),
  FRAMELOOM_ORT_LIBRARY: z
    .string()
    .min(1)
    .optional()
    .describe('Path of another libonnxruntime, such as a GPU build. Default: the one of onnxruntime-node.'),
  FRAMELOOM_MODEL_MEMORY: bytes
    .optional()
    .describe(
      'Most bytes of weights and KV caches together. Default: 80 % of the free memory; needed where the model runs on a device.',
    ),
  FRAMELOOM_MODEL_ROWS: count.default(8).describe('Most answers that a GPU worker decodes together.'),
  FRAMELOOM_KEEP_FEATURES: z
    .enum(['true', 'false'])
    .default('true')
    .describe(
      'Whether image features are kept as artifacts, so that a retry, or another prompt, never makes them again. 9.3 MB for a picture of four crops of the real model.',
    ),
  FRAMELOOM_MODEL_URL: z
    .url()
    .optional()
    .describe(
      'Endpoint with the interface of OpenAI that GPU workers ask in place of a model of their own, such as http://gpu:8000/v1.',
    ),
  FRAMELOOM_MODEL_KEY: z.string().min(1).optional().describe('Key that is sent to FRAMELOOM_MODEL_URL.'),
  FRAMELOOM_CPU_SLOTS: count
    .optional()
    .describe('Activities a CPU worker runs at once; default: number of cores.'),
  FRAMELOOM_PRICE_INPUT: amount.describe('Price of a million tokens of prompts; 0 for none (docs/costs.md).'),
  FRAMELOOM_PRICE_OUTPUT: amount.describe('Price of a million tokens of answers.'),
  FRAMELOOM_PRICE_GPU_SECOND: amount.describe('Price of a second in which the model is busy.'),
  FRAMELOOM_CURRENCY: z
    .string()
    .min(1)
    .max(16)
    .default('USD')
    .describe('What prices and costs are in; only named, never converted.'),
  FRAMELOOM_QUOTA_REQUESTS: limit.describe(
    'Most requests of a tenant in a minute, in each API process; 0 for any number.',
  ),
  FRAMELOOM_QUOTA_JOBS: limit.describe(
    'Most unfinished jobs of a tenant, lines of batches not counted; 0 for any number.',
  ),
  FRAMELOOM_QUOTA_VIDEO_SECONDS: limit.describe(
    'Most seconds of video that jobs of a tenant take in within a day of UTC; 0 for any number.',
  ),
  FRAMELOOM_MAX_UPLOAD_BYTES: bytes.default(20 * 2 ** 30).describe('Largest file accepted, in bytes.'),
  FRAMELOOM_MAX_PIXELS: bytes.default(67_108_864).describe('Most pixels of one picture or video frame.'),
  FRAMELOOM_MAX_DURATION: count.default(172_800).describe('Longest video, in seconds.'),
  FRAMELOOM_MAX_PAGES: count.default(5000).describe('Most pages of a deck.'),
  FRAMELOOM_ALLOW_PRIVATE_SOURCES: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Whether source addresses may be private or loopback ones. For tests and closed networks.'),
  FRAMELOOM_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe(
      'Port on which a worker serves its figures to Prometheus, under /metrics. Default: none. In the embedded system the GPU worker takes the next one.',
    ),
  FRAMELOOM_METRICS_HOST: z
    .string()
    .regex(/^[0-9a-fA-F.:]+$/, 'must be an IP address')
    .default('127.0.0.1')
    .describe('Address that goes with it; 0.0.0.0 in containers.'),
  FRAMELOOM_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least severe log line written.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Where traces go, by OTLP over HTTP, such as `http://127.0.0.1:4318`. Default: none are made. The other variables of OpenTelemetry for traces hold as well (docs/deploy.md).',
    ),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233').describe('Temporal frontend, host:port.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace.'),
  TEMPORAL_API_KEY: z.string().min(1).optional().describe('API key of Temporal Cloud.'),
  TEMPORAL_HTTP_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("At the edge only: address of Temporal's HTTP API, such as https://temporal.internal:7243."),
  TEMPORAL_WORKER_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .max(63)
    .optional()
    .describe(
      'Build of a worker: jobs stay with workers of the build that began them, and new ones go to the build that `frameloom worker promote` named last. Without it, workers take any job.',
    ),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .max(63)
    .default('frameloom')
    .describe('Worker deployment that TEMPORAL_WORKER_BUILD_ID is a version of.'),
  FFMPEG_PATH: z.string().min(1).optional().describe('ffmpeg to use.'),
  FFPROBE_PATH: z.string().min(1).optional().describe('ffprobe to use.'),
  HF_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('https://huggingface.co')
    .describe('Server that `frameloom models pull` fetches weights from: Hugging Face or a mirror of it.'),
  HF_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of visible characters')
    .optional()
    .describe('Token of Hugging Face, sent to HF_ENDPOINT and to no other host.'),
  HTTPS_PROXY: z
    .string()
    .optional()
    .describe('Proxy for https addresses of weights; `https_proxy` goes before it.'),
  HTTP_PROXY: z
    .string()
    .optional()
    .describe(
      'Proxy for http addresses of weights, and for https ones where HTTPS_PROXY is not set; or `http_proxy`.',
    ),
  NO_PROXY: z
    .string()
    .optional()
    .describe('Hosts reached without a proxy, separated by commas; `*` for all. Or `no_proxy`.'),
  SOFFICE_PATH: z
    .string()
    .min(1)
    .optional()
    .describe('LibreOffice to draw PPTX slides with; default: `soffice` on PATH, where there is one.'),
  FRAMELOOM_WITHOUT_LIBREOFFICE: z
    .enum(['text', 'refuse'])
    .default('text')
    .describe(
      'What becomes of a PPTX that cannot be drawn: `text` summarizes its text and notes and reports a gap for each picture, `refuse` fails the job.',
    ),
  FRAMELOOM_TRANSCRIBE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'OpenAI-compatible API that turns speech into text, such as `https://api.openai.com/v1`. Without it, no speech is recognized.',
    ),
  FRAMELOOM_TRANSCRIBE_MODEL: z
    .string()
    .min(1)
    .default('whisper-1')
    .describe('Model that is asked for at that API.'),
  FRAMELOOM_TRANSCRIBE_API_KEY: z.string().min(1).optional().describe('Key sent to that API.'),
});
