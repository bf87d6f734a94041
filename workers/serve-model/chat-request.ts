/** The body of `POST /v1/chat/completions`: its schema, and which parameters are ignored or rejected. */
import { z } from 'zod';
import { withoutNullMembers } from '../../core/json-body.ts';
import { badRequest, type ChatError } from './chat-error.ts';
import { DEFAULT_MAX_TOKENS, MAX_CROPS, MAX_MESSAGES, MAX_STOP_LENGTH, MAX_STOPS } from './limits.ts';

const Text = z.object({ type: z.literal('text'), text: z.string() });
const Image = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string(), detail: z.enum(['auto', 'low', 'high']).default('auto') }),
});

const plain = z.union([z.string(), z.array(Text).min(1)]);
const name = z.string().optional();
const Message = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.enum(['system', 'developer']), content: plain, name }),
    z.strictObject({
      role: z.literal('user'),
      content: z.union([
        z.string(),
        z
          .array(
            z.discriminatedUnion('type', [Text, Image], {
              error: 'The type of a content part must be `text` or `image_url`.',
            }),
          )
          .min(1),
      ]),
      name,
    }),
    // As in the message of a completion, which clients send back with all its members.
    z
      .strictObject({
        role: z.literal('assistant'),
        content: plain.optional(),
        name,
        refusal: z.string().optional(),
        annotations: z.array(z.unknown()).optional(),
        tool_calls: z.array(z.unknown()).max(0, { error: 'tools are not supported' }).optional(),
      })
      .refine(({ content, refusal }) => content !== undefined || refusal !== undefined, {
        error: 'Required',
        path: ['content'],
      })
      .transform(({ role, content, refusal = '' }) => ({ role, content: content ?? refusal })),
  ],
  { error: 'The role must be `system`, `developer`, `user` or `assistant`; tools are not supported.' },
);
export type Message = z.infer<typeof Message>;

const stop = z.string().min(1).max(MAX_STOP_LENGTH);
const tokens = z.int().positive();

const ChatRequest = z.strictObject({
  model: z.string(),
  messages: z.array(Message).min(1).max(MAX_MESSAGES),
  max_tokens: tokens.optional(),
  max_completion_tokens: tokens.optional(),
  temperature: z.number().min(0).max(2).default(0),
  top_p: z.number().positive().max(1).optional(),
  seed: z.int().optional(),
  stop: z.union([stop, z.array(stop).max(MAX_STOPS)]).default([]),
  stream: z.boolean().default(false),
  stream_options: z.strictObject({ include_usage: z.boolean().default(false) }).optional(),
  // Extensions with the names that vLLM uses.
  top_k: z.int().min(-1).optional(),
  repetition_penalty: z.number().positive().lt(100).optional(),
  mm_processor_kwargs: z.strictObject({ num_crops: z.int().min(1).max(MAX_CROPS).optional() }).optional(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** OpenAI parameters that are accepted and have no effect. */
const IGNORED = new Set([
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
]);

/**
 * OpenAI parameters that are not supported, with the values that are accepted because they have no effect.
 */
const UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  logprobs: [false],
  top_logprobs: [0],
  logit_bias: [{}],
  frequency_penalty: [0],
  presence_penalty: [0],
  response_format: [{ type: 'text' }],
  modalities: [['text']],
  tools: [[]],
  tool_choice: ['none', 'auto'],
  parallel_tool_calls: [true, false],
  functions: [[]],
  function_call: ['none', 'auto'],
  audio: [],
  prediction: [],
  reasoning_effort: ['none'],
  verbosity: [],
  web_search_options: [],
};

/** @throws ChatError 400 with the name of the parameter. */
export function parseChatRequest(body: unknown): ChatRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('body', 'The request body must be a JSON object.');
  }
  const known: Record<string, unknown> = {};
  // null is the same as a missing member.
  for (const [field, value] of Object.entries(withoutNullMembers(body) as object)) {
    if (IGNORED.has(field)) continue;
    if (!Object.hasOwn(UNSUPPORTED, field)) known[field] = value;
    else if (!UNSUPPORTED[field]?.some((accepted) => JSON.stringify(accepted) === JSON.stringify(value))) {
      throw badRequest(field, `This value of \`${field}\` is not supported.`, 'unsupported_parameter');
    }
  }
  const parsed = ChatRequest.safeParse(known);
  if (!parsed.success) throw firstError(parsed.error);
  const { stream, stream_options: streamOptions } = parsed.data;
  if (streamOptions !== undefined && !stream) {
    throw badRequest('stream_options', '`stream_options` requires `stream` to be true.');
  }
  return parsed.data;
}

export function maxTokensOf(request: ChatRequest): number {
  return request.max_completion_tokens ?? request.max_tokens ?? DEFAULT_MAX_TOKENS;
}

function firstError({ issues }: z.ZodError): ChatError {
  let [issue] = issues;
  const path = [...(issue?.path ?? [])];
  // Of a union, the alternative that matched furthest has the most helpful message.
  while (issue?.code === 'invalid_union' && issue.errors.length > 0) {
    const branches = issue.errors.flatMap(([first]) => (first === undefined ? [] : [first]));
    issue = branches.reduce((best, branch) => (branch.path.length > best.path.length ? branch : best));
    path.push(...issue.path);
  }
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return badRequest(formatPath([...path, key]), 'Unknown parameter.', 'unknown_parameter');
  }
  return badRequest(formatPath(path), `${issue?.message}${issue?.message.endsWith('.') ? '' : '.'}`);
}

/** In OpenAI's notation: `messages[0].content`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
