/**
 * The closed vocabulary of errors. One table maps a code to its HTTP status, whether a retry can help, a title and a
 * hint. Activities turn a code into a Temporal failure type, the API into `application/problem+json`, the CLI into a
 * message and an exit code.
 */

interface ErrorSpec {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Whether the same operation can succeed later. Never for bad input, always for a failed worker. */
  readonly retryable: boolean;
  /** One short sentence, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** What the user can do. */
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
    title: 'The resource does not exist.',
    hint: 'Check the id. Deleted and expired resources no longer exist.',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: 'The route does not support this method.',
    hint: '/openapi.json lists the methods of each route.',
  },
  idempotency_conflict: {
    status: 409,
    retryable: false,
    title: 'The idempotency key was used for a different request.',
    hint: 'Use a new key for a new request.',
  },
  not_ready: {
    status: 409,
    retryable: true,
    title: 'The job has not produced this yet.',
    hint: 'Follow /events, or request it again later.',
  },
  job_running: {
    status: 409,
    retryable: true,
    title: 'The job is still running.',
    hint: 'Wait until it has ended, or cancel it first.',
  },
  nothing_to_retry: {
    status: 409,
    retryable: false,
    title: 'The job has nothing to retry.',
    hint: 'Only jobs with gaps and jobs that failed or were cancelled can be retried.',
  },
  batch_state: {
    status: 409,
    retryable: false,
    title: 'The status of the batch does not allow this.',
    hint: 'Check its `status`. A running batch can be paused, resumed or cancelled; one that has ended can be retried.',
  },
  batch_expired: {
    status: 408,
    retryable: true,
    title: 'The batch expired before this line was finished.',
    hint: 'Retry the batch. Only lines without a result run again.',
  },
  batch_cancelled: {
    status: 409,
    retryable: true,
    title: 'The batch was cancelled before this line was finished.',
    hint: 'Retry the batch. Only lines without a result run again.',
  },
  upload_incomplete: {
    status: 409,
    retryable: true,
    title: 'Parts of the upload are missing.',
    hint: 'GET the upload to list the received parts, send the missing ones, and complete it again.',
  },
  request_timeout: {
    status: 408,
    retryable: true,
    title: 'The body of the request arrived too slowly.',
    hint: 'Send the request again over a faster connection.',
  },
  payload_too_large: {
    status: 413,
    retryable: false,
    title: 'The body is larger than allowed.',
    hint: 'Send less at once, or raise the limit in the settings.',
  },
  range_not_satisfiable: {
    status: 416,
    retryable: false,
    title: 'The requested range is outside of the file.',
    hint: 'Compare `Range` with the size in `Content-Range`.',
  },
  unsupported_content_type: {
    status: 415,
    retryable: false,
    title: 'The content type is not supported.',
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
  source_rejected: {
    status: 422,
    retryable: false,
    title: 'The server of the source refused to send it.',
    hint: 'Check that the address opens without signing in and that a signed URL has not expired, or upload the file.',
  },
  source_unreachable: {
    status: 502,
    retryable: true,
    title: 'The source could not be downloaded.',
    hint: 'Check that the server at the address responds, or upload the file.',
  },
  empty_source: {
    status: 422,
    retryable: false,
    title: 'The source is empty.',
    hint: 'Check the file. It has no bytes.',
  },
  unsupported_media: {
    status: 422,
    retryable: false,
    title: 'The format of the source is not supported.',
    hint: 'Send a video (mp4, mov, mkv, webm, ts, mpg with a program stream, avi, flv, ogv, wmv, mxf), a PDF or PPTX, or JPEG, PNG, WebP, AVIF, GIF or TIFF images.',
  },
  no_video_stream: {
    status: 422,
    retryable: false,
    title: 'The source has no video.',
    hint: 'Send a source with a video stream. Audio alone cannot be summarized.',
  },
  no_such_track: {
    status: 422,
    retryable: false,
    title: 'The source has no such track.',
    hint: 'Leave out `source.tracks`, or send a number from `source.tracks` of a result of the same file.',
  },
  media_truncated: {
    status: 422,
    retryable: false,
    title: 'The source is truncated or damaged.',
    hint: 'Check that the upload or recording was complete.',
  },
  media_too_large: {
    status: 422,
    retryable: false,
    title: 'The source is too large to process.',
    hint: 'Reduce the image size, the number of pages or the duration.',
  },
  encrypted_media: {
    status: 422,
    retryable: false,
    title: 'The source is encrypted.',
    hint: 'Send the password of a PDF in `source.password`. Otherwise remove the password or the DRM and send the source again.',
  },
  no_pages: { status: 422, retryable: false, title: 'The deck has no pages.', hint: 'Check the file.' },
  no_frames: {
    status: 422,
    retryable: false,
    title: 'No frame could be extracted from the source.',
    hint: 'Check start_time, end_time, pages and sampling against the source.',
  },
  renderer_missing: {
    status: 422,
    retryable: false,
    title: 'This server cannot render slides of this format.',
    hint: 'Install LibreOffice (package libreoffice-impress) on the CPU workers, or export the deck as PDF.',
  },
  renderer_failed: {
    status: 422,
    retryable: false,
    title: 'LibreOffice could not render the slides.',
    hint: 'Open and save the deck again in its original program, or export it as PDF.',
  },
  render_time_exceeded: {
    status: 422,
    retryable: false,
    title: 'Reading the deck, or a slide of it, took longer than allowed.',
    hint: 'Export the deck again with simpler drawings. docs/media.md lists the limits of time.',
  },
  font_missing: {
    status: 422,
    retryable: false,
    title: 'The slide needs a font that is neither in the file nor on this server.',
    hint: 'Export the PDF again with its fonts embedded.',
  },
  transcript_unreadable: {
    status: 422,
    retryable: false,
    title: 'The subtitles or the transcript cannot be read.',
    hint: 'Send SubRip, WebVTT, ASS or TTML, or lines that start with a time, such as `[01:02] text`.',
  },
  transcription_rejected: {
    status: 502,
    retryable: false,
    title: 'The transcription service rejected the request.',
    hint: 'Check FRAMELOOM_TRANSCRIBE_URL, FRAMELOOM_TRANSCRIBE_MODEL and FRAMELOOM_TRANSCRIBE_API_KEY.',
  },
  transcription_failed: {
    status: 502,
    retryable: true,
    title: 'The transcription service failed.',
    hint: 'The request is retried automatically. If the error persists, check the service.',
  },
  section_not_transcribed: {
    status: 502,
    retryable: false,
    title: 'The transcription service could not transcribe a section of the audio.',
    hint: 'The rest of the source is complete. Check the logs of the transcription service, then retry the job.',
  },
  range_outside_source: {
    status: 422,
    retryable: false,
    title: 'The requested range is outside the source.',
    hint: 'Compare start_time, end_time or pages with the duration or page count of the source.',
  },

  // Money
  budget: {
    status: 422,
    retryable: true,
    title: 'The job has reached its max_cost.',
    hint: 'Retry the job, which may cost up to max_cost again, or send the request with a higher max_cost.',
  },
  prices_missing: {
    status: 422,
    retryable: false,
    title: 'This server has no prices, which max_cost requires.',
    hint: 'Omit max_cost, or set FRAMELOOM_PRICE_INPUT, FRAMELOOM_PRICE_OUTPUT or FRAMELOOM_PRICE_GPU_SECOND on the CPU workers.',
  },

  // Limits
  rate_limited: {
    status: 429,
    retryable: true,
    title: 'Too many requests per minute.',
    hint: 'Wait for the time in `Retry-After`. `RateLimit` contains the remaining requests.',
  },
  quota_exceeded: {
    status: 429,
    retryable: true,
    title: 'The quota of this API key is used up.',
    hint: 'Wait until jobs have ended, or for the time in `Retry-After`.',
  },

  // The model
  model_missing: {
    status: 503,
    retryable: false,
    title: 'The model is not installed.',
    hint: 'Run `frameloom models list` to see how to install it.',
  },
  model_mismatch: {
    status: 503,
    retryable: true,
    title: 'This worker runs a different model than the job was planned for.',
    hint: 'Set the same FRAMELOOM_MODEL on all workers.',
  },
  context_exceeded: {
    status: 422,
    retryable: false,
    title: 'The prompt does not fit into the context of the model.',
    hint: 'Lower `detail`, shorten the prompts, or request fewer tokens.',
  },
  model_memory_exceeded: {
    status: 422,
    retryable: false,
    title: 'The prompt needs more memory than the model has.',
    hint: 'Lower `detail`, request fewer tokens, or raise FRAMELOOM_MODEL_MEMORY.',
  },
  model_crashed: {
    status: 500,
    retryable: true,
    title: 'The model process ended unexpectedly.',
    hint: 'It restarts automatically, and the work continues from its checkpoint.',
  },
  segment_poisoned: {
    status: 500,
    retryable: false,
    title: 'The model or its worker crashed in every attempt at this segment.',
    hint: 'The rest of the source is summarized without it. The logs of the GPU workers show the cause.',
  },
  model_unavailable: {
    status: 503,
    retryable: true,
    title: 'The model endpoint is not available.',
    hint: 'The request is retried automatically. If the error persists, check the endpoint at FRAMELOOM_MODEL_URL.',
  },
  model_rejected: {
    status: 503,
    retryable: false,
    title: 'The model endpoint rejected the request of this worker.',
    hint: 'Check FRAMELOOM_MODEL_URL and FRAMELOOM_MODEL_KEY of the GPU workers.',
  },

  // The system
  storage_unavailable: {
    status: 503,
    retryable: true,
    title: 'The artifact store is not available.',
    hint: 'The operation is retried automatically. If the error persists, check the store.',
  },
  storage_full: {
    status: 507,
    retryable: true,
    title: 'The disk or bucket is full.',
    hint: 'Free some space. The work continues automatically.',
  },
  artifact_corrupt: {
    status: 500,
    retryable: true,
    title: 'A stored artifact does not match its hash.',
    hint: 'It is created again automatically. If the error persists, check the disk.',
  },
  unavailable: {
    status: 503,
    retryable: true,
    title: 'The service is not ready.',
    hint: 'Try again in a moment. `frameloom doctor` lists what is missing.',
  },
  not_supported: {
    status: 501,
    retryable: false,
    title: 'This server does not support the operation.',
    hint: 'docs/edge.md lists what each kind of deployment supports. POST /v1/files works on all of them.',
  },
  timeout: {
    status: 504,
    retryable: true,
    title: 'The operation took longer than allowed.',
    hint: 'Try again. If the error persists, reduce the amount of work.',
  },
  internal: {
    status: 500,
    retryable: true,
    title: 'An unexpected error occurred.',
    hint: 'Try again. If the error persists, search the logs for the request id.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** Narrows a value, such as a Temporal failure type, to a code of the table. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/**
 * An error with a code of the table. `message` is displayed to users: it states what happened, without paths, stacks or
 * secrets. Those belong in `cause`.
 */
export class FrameloomError extends Error {
  readonly code: ErrorCode;
  /** Milliseconds until the next attempt, where another server asked for a wait (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.name = 'FrameloomError';
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The error of a job as clients receive it. `message` is displayed to users. */
export function jobError(
  code: ErrorCode,
  message: string,
): { code: ErrorCode; message: string; hint: string; retryable: boolean } {
  return { code, message, hint: ERRORS[code].hint, retryable: ERRORS[code].retryable };
}
