/**
 * The closed vocabulary of errors. One table maps a code to everything the rest of the system needs: the HTTP
 * status, whether a retry can help, who has to act, and what to do. Activities turn a code into a Temporal
 * failure type, the API into `application/problem+json`, the CLI into a line and an exit code.
 */

interface ErrorSpec {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Whether doing the same again can succeed. Bad input never is; a lost worker always is. */
  readonly retryable: boolean;
  /** One short sentence, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** What the reader can do about it. */
  readonly hint: string;
}

export const ERRORS = {
  // The request
  invalid_request: {
    status: 400,
    retryable: false,
    title: 'The request is malformed.',
    hint: 'Compare the request with /openapi.json; `errors` names each field.',
  },
  unauthorized: {
    status: 401,
    retryable: false,
    title: 'A valid API key is required.',
    hint: 'Send `Authorization: Bearer <key>`.',
  },
  not_found: {
    status: 404,
    retryable: false,
    title: 'There is nothing here.',
    hint: 'Check the id; deleted and expired objects are gone.',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: 'The method is not allowed here.',
    hint: 'See /openapi.json for the methods of this route.',
  },
  idempotency_conflict: {
    status: 409,
    retryable: false,
    title: 'The idempotency key was used with another request.',
    hint: 'Use a new key for a new request.',
  },
  not_ready: {
    status: 409,
    retryable: true,
    title: 'The job has not got this far yet.',
    hint: 'Follow /events or ask again later.',
  },
  job_running: {
    status: 409,
    retryable: true,
    title: 'The job is still running.',
    hint: 'Wait for its end, or cancel it first.',
  },
  nothing_to_retry: {
    status: 409,
    retryable: false,
    title: 'The job has all it was asked for.',
    hint: 'Only jobs with gaps, and those that failed or were cancelled, can be run again.',
  },
  batch_state: {
    status: 409,
    retryable: false,
    title: 'The batch is not in a state for this.',
    hint: 'Look at its `status`: a batch that has ended can be retried, one under way paused, resumed or cancelled.',
  },
  batch_expired: {
    status: 408,
    retryable: true,
    title: 'The batch expired before this line was done.',
    hint: 'Retry the batch: only lines without a result are run again.',
  },
  batch_cancelled: {
    status: 409,
    retryable: true,
    title: 'The batch was cancelled before this line was done.',
    hint: 'Retry the batch: only lines without a result are run again.',
  },
  upload_incomplete: {
    status: 409,
    retryable: true,
    title: 'Parts of the upload are missing.',
    hint: 'GET the upload to see which parts are there, send the others, and complete it again.',
  },
  payload_too_large: {
    status: 413,
    retryable: false,
    title: 'The body is larger than allowed.',
    hint: 'Split it, or raise the limit in the settings.',
  },
  unsupported_content_type: {
    status: 415,
    retryable: false,
    title: 'The content type is not accepted here.',
    hint: 'Send JSON, or the raw bytes of the file for /v1/files.',
  },

  // The source
  source_missing: {
    status: 422,
    retryable: false,
    title: 'The source does not exist.',
    hint: 'Upload it with POST /v1/files, or check the address.',
  },
  source_forbidden: {
    status: 422,
    retryable: false,
    title: 'The source address is not allowed.',
    hint: 'Use a public https address, or upload the file.',
  },
  source_unreachable: {
    status: 502,
    retryable: true,
    title: 'The source could not be downloaded.',
    hint: 'Check that the address answers, or upload the file.',
  },
  empty_source: {
    status: 422,
    retryable: false,
    title: 'The source is empty.',
    hint: 'Check the file: it has no bytes.',
  },
  unsupported_media: {
    status: 422,
    retryable: false,
    title: 'The source is of no kind that can be read.',
    hint: 'Send a video (mp4, mov, mkv, webm, ts, mpg, avi, flv, ogv, wmv, mxf), a PDF or PPTX, or JPEG, PNG, WebP, AVIF, GIF or TIFF images.',
  },
  no_video_stream: {
    status: 422,
    retryable: false,
    title: 'The source has no video.',
    hint: 'Audio alone cannot be summarized from pictures.',
  },
  media_truncated: {
    status: 422,
    retryable: false,
    title: 'The source is cut off or damaged.',
    hint: 'Check that the upload or recording was complete.',
  },
  media_too_large: {
    status: 422,
    retryable: false,
    title: 'The source is larger than can be processed.',
    hint: 'Reduce picture size, pages or length.',
  },
  encrypted_media: {
    status: 422,
    retryable: false,
    title: 'The source is encrypted.',
    hint: 'Give the password of a PDF with `source.password`; otherwise remove the password or the DRM and send it again.',
  },
  no_pages: { status: 422, retryable: false, title: 'The deck has no pages.', hint: 'Check the file.' },
  no_frames: {
    status: 422,
    retryable: false,
    title: 'No frame could be taken from the source.',
    hint: 'Check start_time, end_time, pages and sampling against the source.',
  },
  renderer_missing: {
    status: 422,
    retryable: false,
    title: 'Slides of this kind cannot be drawn here.',
    hint: 'Install LibreOffice (package libreoffice-impress) on the CPU workers, or export the deck as PDF.',
  },
  renderer_failed: {
    status: 422,
    retryable: false,
    title: 'LibreOffice could not draw the slides.',
    hint: 'Open and save the deck once more in the program it was made with, or export it as PDF.',
  },
  words_unreadable: {
    status: 422,
    retryable: false,
    title: 'The subtitles or the transcript cannot be read.',
    hint: 'Send SubRip, WebVTT, ASS or TTML, or lines that begin with their time, such as `[01:02] text`.',
  },
  transcription_refused: {
    status: 502,
    retryable: false,
    title: 'The transcription service refuses the request.',
    hint: 'Check FRAMELOOM_TRANSCRIBE_URL, FRAMELOOM_TRANSCRIBE_MODEL and FRAMELOOM_TRANSCRIBE_API_KEY.',
  },
  transcription_failed: {
    status: 502,
    retryable: true,
    title: 'The transcription service did not answer as it should.',
    hint: 'It is tried again; check the service if this stays.',
  },
  range_outside_source: {
    status: 422,
    retryable: false,
    title: 'The requested range lies outside the source.',
    hint: 'Compare start_time, end_time or pages with the length of the source.',
  },

  // Money
  budget: {
    status: 422,
    retryable: true,
    title: 'The job has reached its max_cost.',
    hint: 'Retry the job, which may spend as much again, or ask once more with a higher max_cost.',
  },
  prices_missing: {
    status: 422,
    retryable: false,
    title: 'Costs are not known here, so that max_cost cannot be kept.',
    hint: 'Leave max_cost out, or set FRAMELOOM_PRICE_INPUT, FRAMELOOM_PRICE_OUTPUT or FRAMELOOM_PRICE_GPU_SECOND on the CPU workers.',
  },

  // Limits
  rate_limited: {
    status: 429,
    retryable: true,
    title: 'Too many requests in a minute.',
    hint: 'Wait as long as `Retry-After` says; `RateLimit` tells what is left.',
  },
  quota_exceeded: {
    status: 429,
    retryable: true,
    title: 'The quota of this API key is used up.',
    hint: 'Wait until jobs have ended, or as long as `Retry-After` says.',
  },

  // The model
  model_missing: {
    status: 503,
    retryable: false,
    title: 'The model is not installed.',
    hint: 'Run `frameloom models list` to see how to get it.',
  },
  model_mismatch: {
    status: 503,
    retryable: true,
    title: 'This worker runs another model than the job was planned for.',
    hint: 'Give all workers the same FRAMELOOM_MODEL.',
  },
  context_exceeded: {
    status: 422,
    retryable: false,
    title: 'The prompt does not fit into the context of the model.',
    hint: 'Lower `detail`, shorten the prompts, or ask for fewer tokens.',
  },
  model_memory_exceeded: {
    status: 422,
    retryable: false,
    title: 'The model has not enough memory for this prompt.',
    hint: 'Lower `detail`, ask for fewer tokens, or give the model more memory with FRAMELOOM_MODEL_MEMORY.',
  },
  model_crashed: {
    status: 500,
    retryable: true,
    title: 'The model process ended unexpectedly.',
    hint: 'It is started again and the work continues from its checkpoint.',
  },
  segment_poisoned: {
    status: 500,
    retryable: false,
    title: 'The model or its worker died every time it worked on this part.',
    hint: 'The rest of the source is summarized without it; the logs of the GPU workers show how they died.',
  },
  model_unavailable: {
    status: 503,
    retryable: true,
    title: 'The model endpoint did not answer.',
    hint: 'It is tried again; check the endpoint at FRAMELOOM_MODEL_URL if this stays.',
  },
  model_refused: {
    status: 503,
    retryable: false,
    title: 'The model endpoint does not serve this worker.',
    hint: 'Check FRAMELOOM_MODEL_URL and FRAMELOOM_MODEL_KEY of the GPU workers.',
  },

  // The system
  storage_unavailable: {
    status: 503,
    retryable: true,
    title: 'The artifact store did not answer.',
    hint: 'It is tried again; check the store if this stays.',
  },
  storage_full: {
    status: 507,
    retryable: true,
    title: 'The disk or bucket is full.',
    hint: 'Free space; the work continues by itself.',
  },
  artifact_corrupt: {
    status: 500,
    retryable: true,
    title: 'A stored artifact does not match its hash.',
    hint: 'It is made again; check the disk if this stays.',
  },
  unavailable: {
    status: 503,
    retryable: true,
    title: 'The service is not ready.',
    hint: 'Try again in a moment; `frameloom doctor` tells what is missing.',
  },
  not_supported: {
    status: 501,
    retryable: false,
    title: 'This server cannot do that.',
    hint: 'docs/edge.md says what each kind of deployment can do; files can be sent with POST /v1/files anywhere.',
  },
  timeout: {
    status: 504,
    retryable: true,
    title: 'It took longer than allowed.',
    hint: 'Try again; reduce the work if this stays.',
  },
  internal: {
    status: 500,
    retryable: true,
    title: 'Something unexpected went wrong.',
    hint: 'Try again; the request id helps to find it in the logs.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** Narrows a string, such as a Temporal failure type, to a code of the table. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/**
 * An error with a code of the table. `message` is shown to users: it says what was found, and holds no path, stack
 * or secret. What the code must not show goes into `cause`.
 */
export class FrameloomError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FrameloomError';
    this.code = code;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The error of a job as clients see it. `message` must be fit for users. */
export function jobError(
  code: ErrorCode,
  message: string,
): { code: ErrorCode; message: string; hint: string; retryable: boolean } {
  return { code, message, hint: ERRORS[code].hint, retryable: ERRORS[code].retryable };
}
