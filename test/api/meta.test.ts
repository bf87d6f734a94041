import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import { withApp } from './harness.ts';

describe('the contract', () => {
  it('describes every route', () =>
    withApp(async ({ app }) => {
      const document = (await (await app.request('/openapi.json')).json()) as {
        openapi: string;
        paths: Record<string, Record<string, { operationId: string }>>;
      };
      expect(document.openapi).toBe('3.1.0');
      const described = Object.entries(document.paths).flatMap(([path, item]) =>
        Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
      );
      const served = app.routes
        .filter(({ path, method }) => path.startsWith('/v1/') && method !== 'ALL')
        .map(({ path, method }) => `${method} ${path}`);
      expect(described.sort()).toEqual([...new Set(served)].sort());
    }));

  it('refers only to schemas that it contains', () =>
    withApp(async ({ app }) => {
      const text = await (await app.request('/openapi.json')).text();
      const document = JSON.parse(text) as { components: { schemas: Record<string, unknown> } };
      const references = [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]);
      expect(references.length).toBeGreaterThan(10);
      for (const name of references) expect(document.components.schemas).toHaveProperty(name ?? '');
    }));

  it('names every object schema, so that generated types have names', () =>
    withApp(async ({ app }) => {
      const document = (await (await app.request('/openapi.json')).json()) as {
        paths: unknown;
        components: { schemas: Record<string, object> };
      };
      const unnamed: string[] = [];
      function visit(value: unknown, path: string): void {
        if (typeof value !== 'object' || value === null) return;
        if ('type' in value && value.type === 'object' && 'properties' in value) unnamed.push(path);
        for (const [key, member] of Object.entries(value)) visit(member, `${path}/${key}`);
      }
      visit(document.paths, 'paths');
      for (const [name, schema] of Object.entries(document.components.schemas))
        for (const [key, member] of Object.entries(schema)) visit(member, `${name}/${key}`);
      expect(unnamed).toEqual([]);
    }));

  it('lets result, ledger and error of a job be null', () =>
    withApp(async ({ app }) => {
      const document = (await (await app.request('/openapi.json')).json()) as {
        components: { schemas: { Summary: { properties: Record<string, unknown> } } };
      };
      for (const name of ['result', 'ledger', 'error']) {
        expect(document.components.schemas.Summary.properties[name]).toMatchObject({
          anyOf: [{ $ref: expect.any(String) }, { type: 'null' }],
        });
      }
    }));
});

describe('the reference page', () => {
  it('has an anchor for every error code, without scripts or external files', () =>
    withApp(async ({ app }) => {
      const response = await app.request('/docs');
      const page = await response.text();
      expect(response.headers.get('Content-Type')).toMatch('text/html');
      for (const code of Object.keys(ERRORS)) expect(page).toContain(`id="error-${code}"`);
      expect(page).not.toMatch(/<script|src=|\[object Object\]|undefined/);
      expect(page.match(/href="(?!#|\/)[^"]*"/)).toBeNull();
    }));

  it('links only to anchors that exist', () =>
    withApp(async ({ app }) => {
      const page = await (await app.request('/docs')).text();
      const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
      const targets = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
      expect(targets.filter((target) => !ids.has(target))).toEqual([]);
      expect(targets.length).toBeGreaterThan(20);
    }));
});

describe('the probes', () => {
  it('distinguish alive from ready', () =>
    withApp(async ({ app, orchestrator, clock }) => {
      clock.onSleep = () => new Promise(() => undefined);
      expect((await app.request('/readyz')).status).toBe(200);
      orchestrator.down = true;
      expect((await app.request('/healthz')).status).toBe(200);
      expect((await app.request('/readyz')).status).toBe(503);
    }));

  it('do not wait for a dependency that hangs', () =>
    withApp(async ({ app, orchestrator }) => {
      orchestrator.ready = () => new Promise(() => undefined);
      expect((await app.request('/readyz')).status).toBe(503);
    }));
});

describe('the metrics', () => {
  it('count requests by route pattern and status', () =>
    withApp(async ({ app }) => {
      for (const letter of ['a', 'b', 'c']) await app.request(`/v1/summaries/sum_${letter.repeat(26)}`);
      await app.request('/nowhere"} 1');
      const text = await (await app.request('/metrics')).text();
      expect(text).toContain(
        'frameloom_http_requests_total{method="GET",route="/v1/summaries/:id",status="404"} 3\n',
      );
      expect(text).not.toContain('nowhere');
      expect(
        text.split('\n').filter((line) => line !== '' && !/^(# .*|\w+(\{[^}]*\})? [\d.e+-]+)$/.test(line)),
      ).toEqual([]);
    }));
});

describe('queue metrics', () => {
  it('report the number and the age of waiting tasks', () =>
    withApp(
      async ({ app }) => {
        const text = await (await app.request('/metrics')).text();
        expect(text).toContain('\nframeloom_queue_backlog{queue="gpu"} 7\n');
        expect(text).toContain('\nframeloom_queue_backlog_age_seconds{queue="gpu"} 12.5\n');
      },
      { queueStats: () => Promise.resolve([{ queue: 'gpu', waiting: 7, oldestSeconds: 12.5 }]) },
    ));
});

describe('the console', () => {
  it('is served from its assets, and never replaces a route', () =>
    withApp(
      async ({ app }) => {
        const page = await app.request('/');
        expect([page.status, await page.text()]).toEqual([200, 'console of /']);
        expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'self'");
        expect(await (await app.request('/healthz')).json()).toEqual({ status: 'alive' });
        expect((await app.request('/missing')).status).toBe(404);
      },
      {
        assets: {
          get: (path) =>
            path === '/missing' ? undefined : { body: `console of ${path}`, type: 'text/html' },
        },
      },
    ));
});

describe('the app', () => {
  it('bundles for a platform without built-in modules of Node', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: ['api/create-app.ts'],
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      platform: 'neutral',
      format: 'esm',
      mainFields: ['module', 'main'],
      logLevel: 'silent',
    });
    expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([]);
    // About 500 kB now; a sudden increase means that a large dependency was added by mistake.
    expect(outputFiles[0]?.contents.byteLength).toBeLessThan(700_000);
  });

  it('has a client of less than 9 kB', async () => {
    const { outputFiles } = await build({
      entryPoints: ['client/index.ts'],
      bundle: true,
      write: false,
      minify: true,
      platform: 'browser',
      format: 'esm',
      logLevel: 'silent',
    });
    expect(outputFiles[0]?.contents.byteLength).toBeLessThan(9000);
  });
});
