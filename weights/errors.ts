/** What can go wrong between a server with weights and a model folder: one closed vocabulary, each with what to do. */
interface Kind {
  /** Whether the same request may succeed later: those are tried again before anybody is told. */
  readonly retryable: boolean;
  /** What the user can do. */
  readonly hint: string;
}

const AGAIN = 'The same command goes on from what is on disk.';

export const WEIGHTS_ERRORS = {
  unauthorized: {
    retryable: false,
    hint: 'Set HF_TOKEN to a token that may read the repository; a mirror may want another one.',
  },
  not_found: {
    retryable: false,
    hint: 'Check HF_ENDPOINT: a mirror has to hold this repository at the pinned revision. docs/models.md tells other ways.',
  },
  refused: {
    retryable: false,
    hint: 'Check HF_ENDPOINT and the proxy settings. docs/models.md tells other ways.',
  },
  unreachable: {
    retryable: true,
    hint: `Check the network, HF_ENDPOINT, HTTPS_PROXY and NO_PROXY. ${AGAIN}`,
  },
  busy: { retryable: true, hint: `Wait a while; with HF_TOKEN set the limits are higher. ${AGAIN}` },
  broken: { retryable: true, hint: `Check the network. ${AGAIN}` },
  certificate: {
    retryable: false,
    hint: 'Where a proxy puts in certificates of its own, set NODE_EXTRA_CA_CERTS to the file with its authority.',
  },
  listing: {
    retryable: false,
    hint: 'The mirror may lack the listing API, or the revision this dtype. Try another --dtype, or the cpu variant, whose checksums come with Frameloom.',
  },
  corrupt: {
    retryable: false,
    hint: 'Try another HF_ENDPOINT: this server, or a cache before it, has something else under that name than what was published.',
  },
  disk_full: {
    retryable: false,
    hint: `Free some space, or set FRAMELOOM_MODELS to a folder on another disk. ${AGAIN}`,
  },
  not_writable: {
    retryable: false,
    hint: 'Set FRAMELOOM_MODELS to a folder that this user may write to.',
  },
  in_use: { retryable: false, hint: 'Wait until it is done, or stop it first.' },
  no_checksums: {
    retryable: false,
    hint: '`frameloom models list` shows the models whose weights can be pulled and verified.',
  },
  cancelled: { retryable: false, hint: AGAIN },
} as const satisfies Record<string, Kind>;

export type WeightsErrorCode = keyof typeof WEIGHTS_ERRORS;

/** Every failure of this folder. `message` is fit for users: no path, no stack; those are in `cause`. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  readonly code: WeightsErrorCode;
  /** How long the server asked to be left alone, in milliseconds. */
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

/** What a failed write to the model folder means; anything else is answered as it came. */
export function diskFailure(error: unknown): unknown {
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
