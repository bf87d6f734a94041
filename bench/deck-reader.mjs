/** The process of `bench/decks.ts`: reads a deck span by span through the worker's activities and tells of each page it draws. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createCpuActivities } from '../activities/index.ts';
import { createFolderStore } from '../store/folder/index.ts';

const [, , folder = '', path = '', count = '0'] = process.argv;
const SPAN = 20;
const files = createFolderStore(join(folder, 'store'));
const store = {
  ...files,
  async put(name, body) {
    const stored = await files.put(name, body);
    if (name.startsWith('slides/')) process.send?.(name);
    return stored;
  },
};
const source = await store.putByContent('source', createReadStream(path));
const cpu = createCpuActivities({ store, limits: { maxPixels: 2 ** 26, maxPages: 5000 }, scratch: folder });
const run = (input) =>
  new MockActivityEnvironment({ attempt: 1 }, { logger: new DefaultLogger('ERROR') }).run(
    cpu.extractFrames,
    input,
  );
const pages = Number(count);
const { sha256, bytes, name: artifact } = source;
for (let first = 1; first <= pages; first += SPAN) {
  const slides = Array.from({ length: Math.min(SPAN, pages + 1 - first) }, (_, index) => first + index);
  await run({
    source: { type: 'deck', sha256, bytes, pages },
    artifact,
    deck: { sha256, pages, pdf: artifact },
    span: { kind: 'slides', slides },
    crops: 4,
  });
}
process.disconnect?.();
