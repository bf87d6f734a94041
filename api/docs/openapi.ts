/** The contract: OpenAPI 3.1, made from the routes and their schemas. */
import type { Api } from '../app/index.ts';

/** The OpenAPI document of `app`. */
export type OpenApiDocument = ReturnType<Api['getOpenAPI31Document']>;

const DESCRIPTION = `Frameloom turns long videos and slide decks into timed, evidence-linked summaries.

Times are seconds as numbers, counted from the first shown frame. Errors are \`application/problem+json\` (RFC 9457) with a stable
\`code\`. Every answer carries \`X-Request-Id\`; send one to have it used.`;

export function openApiDocument(app: Api, version: string): OpenApiDocument {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Frameloom',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Summaries', description: 'Jobs: one summary of one source.' },
      { name: 'Frames', description: 'The pictures a summary rests on.' },
      { name: 'Files', description: 'Uploaded sources, and the files of batches.' },
      {
        name: 'Batches',
        description: 'Many jobs from one file of JSON lines, as in the Batch API of OpenAI.',
      },
    ],
    security: [{ key: [] }, {}],
  });
}

/** Describes how requests prove who they are. */
export function registerSecurity(app: Api): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key. A server that listens on loopback only may run without keys.',
  });
}
