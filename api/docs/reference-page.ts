/**
 * The reference page at /docs: the OpenAPI document and the error table as one HTML page without scripts or
 * external files.
 */
import { html } from 'hono/html';
import { ERRORS } from '../../core/errors.ts';
import type { OpenApiDocument } from './openapi.ts';
import { isObject, schemaNotes, schemaRows, typeName } from './schema-text.ts';

type Html = ReturnType<typeof html>;
type Operation = NonNullable<NonNullable<OpenApiDocument['paths']>[string]['get']>;

/** Returns the reference page of `document`. */
export function referencePage(document: OpenApiDocument): Html {
  const operations = operationsOf(document);
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Frameloom API ${document.info.version}</title>
    <link rel="stylesheet" href="/docs/style.css" />
  </head>
  <body>
    <nav aria-label="Contents">
      <a class="home" href="/">Frameloom</a>
      <p class="group">Routes</p>
      <ul>${operations.map((o) => html`<li><a href="#${o.operation.operationId}"><b>${o.method}</b> ${o.path}</a></li>`)}</ul>
      <p class="group">Reference</p>
      <ul>
        <li><a href="#objects">Objects</a></li>
        <li><a href="#errors">Errors</a></li>
        <li><a href="/openapi.json">openapi.json</a></li>
      </ul>
    </nav>
    <main>
      <h1>Frameloom API <small>${document.info.version}</small></h1>
      ${(document.info.description ?? '').split('\n\n').map((text) => html`<p>${prose(text)}</p>`)}
      <pre>${EXAMPLE}</pre>
      <h2 id="routes">Routes</h2>
      ${operations.map(operationSection)}
      <h2 id="objects">Objects</h2>
      ${schemas.map(([name, schema]) => html`<section id="schema-${name}"><h3>${name}</h3>${schemaDescription(schema)}${membersTable(schema)}</section>`)}
      <h2 id="errors">Errors</h2>
      <p>The <code>code</code> of a problem is stable. If <code>retryable</code> is true, repeating the request can succeed.</p>
      ${errorTable()}
    </main>
  </body>
</html>`;
}

const EXAMPLE = `curl --data-binary @talk.mp4 'http://localhost:8484/v1/files?filename=talk.mp4'
curl -H 'Content-Type: application/json' -d '{"source":{"type":"video","file_id":"file_…"}}' \\
     'http://localhost:8484/v1/summaries?wait=60'`;

function operationsOf(document: OpenApiDocument): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => {
      const operation = item[method];
      return operation ? [{ method: method.toUpperCase(), path, operation }] : [];
    }),
  );
}

function operationSection({ method, path, operation }: ReturnType<typeof operationsOf>[number]): Html {
  const body = contentTypes(operation.requestBody);
  const responses = Object.entries(operation.responses ?? {});
  const errors = responses.flatMap(([, response]) => problemCodes(response));
  return html`<section id="${operation.operationId}">
    <h3><span class="method">${method}</span> <code>${path}</code></h3>
    <p><b>${operation.summary}.</b> ${prose(operation.description ?? '')}</p>
    ${parametersTable(operation.parameters ?? [])}
    ${body.map(([type, schema]) => html`<p>Body: <code>${type}</code>, ${typeLink(schema)}</p>`)}
    <table>
      <thead><tr><th>Status</th><th>Meaning</th><th>Content</th></tr></thead>
      <tbody>${responses
        .filter(([, response]) => problemCodes(response).length === 0)
        .map(
          ([status, response]) => html`<tr>
          <td><code>${status}</code></td>
          <td>${prose(isObject(response) ? String(response.description ?? '') : '')}</td>
          <td>${contentTypes(response).map(([type, schema]) => html`<code>${type}</code> ${typeLink(schema)}<br />`)}</td>
        </tr>`,
        )}</tbody>
    </table>
    <p>Errors: ${errors.map((code, index) => html`${index > 0 ? ', ' : ''}<a href="#error-${code}"><code>${code}</code></a>`)}</p>
  </section>`;
}

/** The error codes of a problem response, from the names of its examples. */
function problemCodes(response: unknown): string[] {
  if (!isObject(response) || !isObject(response.content)) return [];
  const media = response.content['application/problem+json'];
  return isObject(media) && isObject(media.examples) ? Object.keys(media.examples) : [];
}

function parametersTable(parameters: readonly unknown[]): Html {
  const rows = parameters.filter(isObject);
  if (rows.length === 0) return html``;
  return html`<table>
    <thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead>
    <tbody>${rows.map((row) => {
      const schema = isObject(row.schema) ? row.schema : {};
      return html`<tr>
        <td><code>${row.name}</code></td>
        <td>${row.in}</td>
        <td>${typeName(schema)}</td>
        <td>${prose(schemaNotes(schema))}</td>
      </tr>`;
    })}</tbody>
  </table>`;
}

function schemaDescription(schema: unknown): Html {
  if (!isObject(schema) || typeof schema.description !== 'string') return html``;
  return html`<p>${prose(schema.description)}</p>`;
}

function membersTable(schema: unknown): Html {
  const rows = schemaRows(schema);
  if (rows.length === 0) return html`<p>${typeLink(schema)}</p>`;
  return html`<table>
    <thead><tr><th>Member</th><th>Type</th><th>Meaning</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr>
        <td><code>${row.name}</code>${row.required ? '' : html` <i>optional</i>`}</td>
        <td>${typeLink(row.schema)}</td>
        <td>${prose(row.description)}</td>
      </tr>`,
    )}</tbody>
  </table>`;
}

function errorTable(): Html {
  return html`<table>
    <thead><tr><th>Code</th><th>Status</th><th>Retryable</th><th>Meaning</th><th>What to do</th></tr></thead>
    <tbody>${Object.entries(ERRORS).map(
      ([code, error]) => html`<tr id="error-${code}">
        <td><code>${code}</code></td>
        <td>${error.status}</td>
        <td>${error.retryable ? 'yes' : 'no'}</td>
        <td>${error.title}</td>
        <td>${prose(error.hint)}</td>
      </tr>`,
    )}</tbody>
  </table>`;
}

function contentTypes(holder: unknown): [string, unknown][] {
  if (!isObject(holder) || !isObject(holder.content)) return [];
  return Object.entries(holder.content).map(([type, media]) => [type, isObject(media) ? media.schema : {}]);
}

/** The name of a type, with links to the objects in it. */
function typeLink(schema: unknown): Html {
  const parts = typeName(schema).split(/([A-Z]\w+)/);
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<a href="#schema-${part}">${part}</a>` : part))}`;
}

/** Renders text with code in \`backticks\`. */
function prose(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

export const REFERENCE_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d9dce1, #363b44); --soft: light-dark(#5a6270, #a3abb8);
  --back: light-dark(#ffffff, #14171c); --tint: light-dark(#f4f5f7, #1d2128); --link: light-dark(#0b57b0, #8ab8ff); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); font: 15px/1.55 system-ui, sans-serif; display: grid;
  grid-template-columns: 20rem minmax(0, 60rem); gap: 3rem; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem; background: var(--tint);
  border-right: 1px solid var(--line); font-size: 13px; overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .3rem 0; }
.home { font-size: 1.2rem; font-weight: 600; }
.group { margin: 1.2rem 0 .3rem; color: var(--soft); }
main { padding: 1.5rem 1.5rem 6rem 0; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 small { color: var(--soft); font-weight: 400; font-size: 1rem; }
h2 { margin-top: 3rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
section { margin-top: 2rem; scroll-margin-top: 1rem; }
h3 { margin-bottom: .4rem; font-size: 1.05rem; overflow-wrap: anywhere; }
.method { display: inline-block; padding: 0 .5rem; border-radius: .3rem; background: var(--link); color: var(--back); font-size: .8rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { padding: 1rem; background: var(--tint); border: 1px solid var(--line); border-radius: .4rem; overflow-x: auto; }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: .8rem 0; }
th, td { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: 13px; }
i { color: var(--soft); font-size: 13px; }
tr:target, section:target > h3 { background: light-dark(#fff3c4, #4a3f16); }
@media (max-width: 60rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; } main { padding: 1rem; } }
`;
