/** The contract as OpenAPI 3.1, generated from the operations and their schemas. */
import type { Api } from '../app/index.ts';
import { describeRequestDefaults } from './request-defaults.ts';

/** The OpenAPI document of `app`. */
export type OpenApiDocument = ReturnType<Api['getOpenAPI31Document']>;

const DESCRIPTION = `Frameloom turns long videos and slide decks into timed, evidence-linked summaries.

Times are seconds as numbers, counted from the first displayed frame. Errors are \`application/problem+json\`
(RFC 9457) with a stable \`code\`. Every response has an \`X-Request-Id\`; if you send one, it is used.`;

const TAGS = [
  { name: 'Summaries', description: 'Jobs that each summarize one source.' },
  { name: 'Frames', description: 'The frames of a source that a summary is based on.' },
  { name: 'Files', description: 'Uploaded sources, and the input and output of batches.' },
  {
    name: 'Batches',
    description: 'Many summaries from one file of JSON lines, compatible with the Batch API of OpenAI.',
  },
  { name: 'Usage', description: 'Costs of summaries, estimated before and measured after.' },
];

/** The OpenAPI document of all operations of `app`, for client generators and the reference page. */
export function openApiDocument(app: Api, version: string): OpenApiDocument {
  return describeRequestDefaults(
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Frameloom',
        version,
        description: DESCRIPTION,
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      security: [{ key: [] }, {}],
    }),
  );
}

/**
 * Adds the components that no route defines: the security scheme (an API key as bearer token) and the upload
 * form.
 */
export function registerComponents(app: Api): void {
  // Not a zod schema, with which the router would read the whole file into memory to validate it.
  app.openAPIRegistry.registerComponent('schemas', 'FileForm', {
    type: 'object',
    properties: { file: { type: 'string', format: 'binary' }, purpose: { type: 'string' } },
    required: ['file'],
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key. A server that listens on loopback only can run without keys.',
  });
}
