import type { Hub, PullEvent, PullOptions, WeightSet } from '../../phi3v/index.ts';
import { type FakeHub, sha256 } from '../support/fake-hub.ts';

export const REPOSITORY = 'some/model';
export const REVISION = '0123456789abcdef0123456789abcdef01234567';

export const pathOf = (name: string): string => `${REPOSITORY}/resolve/${REVISION}/weights/${name}`;

/** Puts files on the server and answers what a catalogue would say of them. The first is the one to be written last. */
export function publish(
  hub: FakeHub,
  files: Readonly<Record<string, Buffer>>,
  { exact = true }: { readonly exact?: boolean } = {},
): WeightSet {
  for (const [name, body] of Object.entries(files)) hub.content.set(pathOf(name), body);
  return {
    repository: REPOSITORY,
    revision: REVISION,
    last: Object.keys(files)[0] ?? '',
    files: Object.entries(files).map(([name, body]) => ({
      path: name,
      source: `weights/${name}`,
      digest: { algorithm: 'sha256', hex: sha256(body) },
      size: { bytes: body.length, exact },
    })),
  };
}

export interface Watched extends PullOptions {
  readonly waits: number[];
  readonly events: PullEvent[];
}

/** Options of a pull whose waits are written down instead of waited. */
export function watched(hub: Hub, more: Partial<PullOptions> = {}): Watched {
  const waits: number[] = [];
  const events: PullEvent[] = [];
  return {
    hub,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    patience: {
      tries: 4,
      async sleep(milliseconds) {
        waits.push(milliseconds);
      },
    },
    freeBytes: async () => 1e12,
    ...more,
    waits,
    events,
  };
}
