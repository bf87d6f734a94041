/** The request the console sends for a chosen source and its options. Pure. */
import type { FileId } from '../../schema/ids.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import type { SourceKind } from '../shared/index.ts';

/** A source the user has chosen and not yet sent. */
export type Staged =
  | {
      readonly from: 'files';
      readonly kind: SourceKind;
      readonly name: string;
      readonly files: readonly File[];
    }
  | { readonly from: 'address'; readonly kind: SourceKind; readonly name: string; readonly url: string };

export interface Options {
  readonly detail: 'low' | 'medium' | 'high';
  /** How pictures are taken from a video: where something changes, or so many a second. */
  readonly sampling: 'adaptive' | 'fps';
  /** Pictures per second of a video, for `fps`. */
  readonly fps: number;
  readonly prompt: string;
}

export const DEFAULT_OPTIONS: Options = { detail: 'medium', sampling: 'adaptive', fps: 1, prompt: '' };

/** `fileIds` are the ids of the uploaded files, in order; empty for an address. */
export function requestFor(
  staged: Staged,
  fileIds: readonly FileId[],
  options: Options,
): SummaryRequestInput {
  const prompt = options.prompt.trim();
  return {
    source: sourceFor(staged, fileIds),
    detail: options.detail,
    metadata: { filename: staged.name.slice(0, 200) },
    ...(staged.kind === 'video' ? { sampling: samplingFor(options) } : {}),
    ...(prompt === '' ? {} : { prompt }),
  };
}

function samplingFor({ sampling, fps }: Options): NonNullable<SummaryRequestInput['sampling']> {
  return sampling === 'fps' ? { mode: 'fps', fps } : { mode: sampling };
}

function sourceFor(staged: Staged, fileIds: readonly FileId[]): SummaryRequestInput['source'] {
  if (staged.from === 'address') {
    return staged.kind === 'images'
      ? { type: 'images', urls: [staged.url] }
      : { type: staged.kind, url: staged.url };
  }
  if (staged.kind === 'images') return { type: 'images', file_ids: [...fileIds] };
  const [fileId] = fileIds;
  if (fileId === undefined) throw new Error('a file was not uploaded');
  return { type: staged.kind, file_id: fileId };
}
