import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MODEL_CATALOGUE, type WeightVariant } from '../../weights/index.ts';

/** The document with the collected checksums. It is not part of the repository. */
const TABLES = fileURLToPath(new URL('../../../shared/phi3v/CONTRACT.md', import.meta.url));

function pinned(name: string): Extract<WeightVariant, { kind: 'pinned' }> {
  const variant = MODEL_CATALOGUE[0]?.variants.find((one) => one.name === name);
  if (variant?.kind !== 'pinned') throw new Error(`no pinned variant ${name}`);
  return variant;
}

/** Names and checksums of the rows below a heading. */
function rowsAfter(
  text: string,
  heading: string,
): Record<string, { sha256: string; exact: number | undefined }> {
  const start = text.indexOf(heading);
  const section = text.slice(start, text.indexOf('\n\n', text.indexOf('|---', start)));
  const rows = [...section.matchAll(/^\| (\S+)(?: \(.*?\))? \| (.+?) \| `([\da-f]{64})` \|$/gm)];
  return Object.fromEntries(
    rows.map(([, name = '', size = '', sha256 = '']) => [
      name.replace('…', 'phi-3.5-v-instruct-'),
      { sha256, exact: size.endsWith(' B') ? Number(size.slice(0, -2).replaceAll(',', '')) : undefined },
    ]),
  );
}

describe('model catalogue', () => {
  it.each(['cpu', 'gpu'])('has the published checksums and exact sizes of the %s folder', (name) => {
    const variant = pinned(name);
    expect(variant.files.length).toBe(11);
    for (const { path, source, digest } of variant.files) {
      expect(source).toBe(`${variant.folder}/${path}`);
      expect(digest).toMatchObject({ algorithm: 'sha256', hex: expect.stringMatching(/^[\da-f]{64}$/) });
    }
  });

  it.for([
    ['cpu', 'CPU folder (', [] as string[]],
    ['gpu', 'GPU folder (', ['genai_config.json', 'processor_config.json', 'tokenizer.json']],
  ] as const)(
    'matches the checksums of the document for the %s folder',
    ([name, heading, shared], { skip }) => {
      skip(!existsSync(TABLES), 'the document is not available');
      const { files } = pinned(name);
      const text = readFileSync(TABLES, 'utf8');
      const rows = rowsAfter(text, heading);
      const all = { ...pick(rowsAfter(text, 'CPU folder ('), shared), ...rows };
      expect(Object.keys(all).length).toBe(11);
      expect(
        Object.fromEntries(
          files.map(({ path, digest, size }) => [
            path,
            { sha256: digest.hex, exact: size.exact ? size.bytes : undefined },
          ]),
        ),
      ).toEqual(all);
    },
  );

  it('pins full revisions, and the bundled profile names the first variant', () => {
    const profile = JSON.parse(
      readFileSync(new URL('../../models/phi-3.5-vision/frameloom.json', import.meta.url), 'utf8'),
    ) as { download: unknown }; // bundled file
    const { repository, revision, folder } = pinned('cpu');
    expect(revision).toMatch(/^[\da-f]{40}$/);
    expect(profile.download).toEqual({ repository, revision, folder });
  });

  it('lists different graphs for the CPU and the GPU folder', () => {
    const graphs = (name: string): string[] =>
      pinned(name)
        .files.filter(({ path }) => path.includes('.onnx'))
        .map(({ digest }) => digest.hex);
    expect(new Set([...graphs('cpu'), ...graphs('gpu')]).size).toBe(12);
  });
});

function pick<T>(rows: Record<string, T>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(rows).filter(([name]) => names.includes(name)));
}
