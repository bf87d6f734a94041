/** The closed vocabulary of failures of a pull, each with advice for the user. */
interface Kind {
  /** Whether the same request may succeed later. Such failures are retried before they are reported. */
  readonly retryable: boolean;
  /** Advice for the user. */
  readonly hint: string;
}

const RESUME_HINT = 'The same command continues the download.';

/** Whether a failure is retryable, and advice for the user, by code. */
export const WEIGHTS_ERRORS = {
  unauthorized: {
    retryable: false,
    hint: 'Set HF_TOKEN to a token that may read the repository. A mirror may require a different one.',
  },
  not_found: {
    retryable: false,
    hint: 'Check HF_ENDPOINT: a mirror must have this repository at the pinned revision. docs/models.md describes alternatives.',
  },
  rejected: {
    retryable: false,
    hint: 'Check HF_ENDPOINT and the proxy settings. docs/models.md describes alternatives.',
  },
  unreachable: {
    retryable: true,
    hint: `Check the network, HF_ENDPOINT, HTTPS_PROXY and NO_PROXY. ${RESUME_HINT}`,
  },
  busy: { retryable: true, hint: `Try again later. With HF_TOKEN, the limits are higher. ${RESUME_HINT}` },
  broken: { retryable: true, hint: `Check the network. ${RESUME_HINT}` },
  certificate: {
    retryable: false,
    hint: 'If a proxy replaces certificates, set NODE_EXTRA_CA_CERTS to the file with its certificate authority.',
  },
  listing: {
    retryable: false,
    hint: 'The mirror may not support the listing API, or the revision may not have this dtype. Try another --dtype, or the cpu variant, whose checksums are part of Frameloom.',
  },
  corrupt: {
    retryable: false,
    hint: 'Try another HF_ENDPOINT: this server, or a cache in front of it, returns different content than what was published.',
  },
  disk_full: {
    retryable: false,
    hint: `Free disk space, or set FRAMELOOM_MODELS to a folder on another disk. ${RESUME_HINT}`,
  },
  not_writable: {
    retryable: false,
    hint: 'Set FRAMELOOM_MODELS to a folder that this user can write to.',
  },
  in_use: { retryable: false, hint: 'Wait until it has finished, or stop it first.' },
  no_checksums: {
    retryable: false,
    hint: '`frameloom models list` shows the models whose weights can be pulled and verified.',
  },
  cancelled: { retryable: false, hint: RESUME_HINT },
} as const satisfies Record<string, Kind>;

export type WeightsErrorCode = keyof typeof WEIGHTS_ERRORS;

/** A failure of a pull or a verification. `message` is safe for users. Paths are only in `cause`. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  readonly code: WeightsErrorCode;
  /** Milliseconds until the next attempt, from the `Retry-After` of the server. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: WeightsErrorCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMs?: number | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Returns the WeightsError for a failed write to the model folder. Returns any other error unchanged. */
export function asDiskError(error: unknown): unknown {
  if (error instanceof WeightsError || !(error instanceof Error && 'code' in error)) return error;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new WeightsError('disk_full', 'The disk of the model folder is full.', { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      return new WeightsError('not_writable', 'The model folder cannot be written to.', { cause: error });
    default:
      return error;
  }
}
