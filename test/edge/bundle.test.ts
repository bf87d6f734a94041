import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../api/entries/version.ts';
import { environment } from '../../config/environment.ts';
import { bundleEdge, type EdgeBundle } from './worker.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The limit for a Worker on a free plan is 3 MB gzipped. */
const MAX_BYTES = 1_000_000;

describe('the edge bundle', () => {
  let bundle: EdgeBundle;
  beforeAll(async () => {
    bundle = await bundleEdge();
  });

  it('imports no modules of Node, and none that need Node', () => {
    expect(bundle.imports).toEqual([]);
    const ours = bundle.inputs.filter((path) => !path.includes('node_modules'));
    expect(ours).toContain('api/entries/cloudflare.ts');
    expect(ours).toContain('temporal/http/orchestrator.ts');
    expect(ours.filter((path) => /temporal-grpc|folder-store|open-store|local-files/.test(path))).toEqual([]);
    expect(bundle.inputs.filter((path) => path.includes('@temporalio'))).toEqual([]);
    expect(bundle.code).not.toMatch(/["']node:|\brequire\(/);
  });

  it('stays below 1 MB gzipped', () => {
    const { length } = gzipSync(bundle.code);
    console.log(`edge bundle: ${bundle.code.length} bytes, ${length} gzipped`);
    expect(length).toBeLessThan(MAX_BYTES);
  });

  it('has the version of the release', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
  });
});

describe('deploy/cloudflare/wrangler.jsonc', () => {
  const config = join(ROOT, 'deploy/cloudflare/wrangler.jsonc');

  it('passes wrangler without a warning, and bundles the entry point with its bindings', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'frameloom-wrangler-'));
    try {
      const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
      const args = [wrangler, 'deploy', '--dry-run', '--config', config, '--outdir', folder];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
        cwd: folder,
        env: {
          ...process.env,
          ...{ CI: 'true', WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1' },
          ...{ WRANGLER_LOG_PATH: folder, XDG_CONFIG_HOME: folder },
        },
      });
      expect(`${stdout}${stderr}`).not.toMatch(/warning|error/i);
      expect(stdout).toContain('env.RATE_LIMITER (600 requests/60s)');
      const kibibytes = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
      expect(kibibytes).toBeGreaterThan(50);
      expect(kibibytes * 1024).toBeLessThan(MAX_BYTES);
      expect((await stat(join(folder, 'cloudflare.js'))).size).toBeGreaterThan(100_000);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('sets only known settings, and no secrets', async () => {
    const text = await readFile(config, 'utf8');
    const vars = /"vars": \{([\s\S]*?)\n {2}\}/.exec(text)?.[1] ?? '';
    const names = [...vars.matchAll(/^\s*"([A-Z_0-9]+)":/gm)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) expect(Object.keys(environment.shape)).toContain(name);
    expect(names.filter((name) => /SECRET|TOKEN|KEY/.test(name))).toEqual([]);
  });
});
