import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectModelFolder, startModelHost } from '../../phi3v/index.ts';
import { TINY } from './support.ts';

const TEXT_GRAPH = 'phi-3.5-v-instruct-text.onnx';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-model-'));
  await cp(TINY, folder, { recursive: true });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What starting a host on the folder ends with. */
async function refusal(): Promise<unknown> {
  try {
    await using host = await startModelHost({ folder });
    return host.info;
  } catch (error) {
    return error;
  }
}

describe('a model folder', () => {
  it('is complete with its seven files', async () => {
    const report = await inspectModelFolder(folder);
    expect(report).toMatchObject({ complete: true, missing: [] });
    expect(report.files.length).toBe(7);
    expect(report.files.every((file) => (file.bytes ?? 0) > 0)).toBe(true);
  });

  it('that lacks a graph is named as such, with the way to the real weights', async () => {
    await rm(join(folder, TEXT_GRAPH));
    const report = await inspectModelFolder(folder);
    expect(report).toMatchObject({ complete: false, missing: [TEXT_GRAPH] });
    expect(report.message).toContain('microsoft/Phi-3.5-vision-instruct-onnx');
    expect(await refusal()).toMatchObject({ code: 'model_missing', message: report.message });
  });

  it('that is not there at all lacks its files', async () => {
    const report = await inspectModelFolder(join(folder, 'nowhere'));
    expect(report.complete).toBe(false);
    expect(report.missing).toContain('genai_config.json');
  });

  it('needs the external weights that a graph names', async () => {
    // The name stands in the graph as plain text; here behind its end, where nothing reads it.
    const graph = await readFile(join(folder, TEXT_GRAPH));
    // As protobuf writes a text: its length before it, and the next field, here an offset, right behind.
    const location = Buffer.from(`${TEXT_GRAPH}.data`);
    const entry = Buffer.concat([Buffer.from([location.length]), location, Buffer.from('j\x0c')]);
    await writeFile(join(folder, TEXT_GRAPH), Buffer.concat([graph, entry]));
    expect((await inspectModelFolder(folder)).missing).toEqual([`${TEXT_GRAPH}.data`]);
  });

  it('with a damaged graph is rejected without revealing its path', async () => {
    await truncate(join(folder, TEXT_GRAPH), 1000);
    const error = await refusal();
    expect(error).toMatchObject({ code: 'model_invalid' });
    expect(String(error)).not.toContain(folder);
  });

  it.each([
    ['is no JSON', '{'],
    ['describes another kind of model', JSON.stringify({ model: { type: 'phi3' } })],
  ])('is refused when genai_config.json %s', async (_, text) => {
    await writeFile(join(folder, 'genai_config.json'), text);
    expect(await inspectModelFolder(folder)).toMatchObject({ complete: false, missing: [] });
    expect(await refusal()).toMatchObject({ code: 'model_invalid' });
  });

  it('may not name files outside of itself', async () => {
    const path = join(folder, 'genai_config.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(TEXT_GRAPH, `../${TEXT_GRAPH}`));
    expect(await refusal()).toMatchObject({ code: 'model_invalid' });
  });
});
