/** Builds the request for a selected source and its options. */
import type { FileId } from '../../schema/ids.ts';
import type { SummaryRequestInput } from '../../schema/request.ts';
import type { SourceKind } from '../shared/index.ts';

/** A source that the user has selected and not yet submitted. */
export type SourceSelection =
  | {
      readonly from: 'files';
      readonly kind: SourceKind;
      readonly name: string;
      readonly files: readonly File[];
    }
  | { readonly from: 'url'; readonly kind: SourceKind; readonly name: string; readonly url: string };

export interface SummaryOptions {
  readonly detail: 'low' | 'medium' | 'high';
  /** How frames of a video are chosen: on changes, or at a fixed rate. */
  readonly sampling: 'adaptive' | 'fps';
  /** Frames per second, for the sampling `fps`. */
  readonly fps: number;
  readonly prompt: string;
}

export const DEFAULT_OPTIONS: SummaryOptions = { detail: 'medium', sampling: 'adaptive', fps: 1, prompt: '' };

/** `fileIds` are the ids of the uploaded files, in order; empty for a URL. */
export function buildRequest(
  selection: SourceSelection,
  fileIds: readonly FileId[],
  options: SummaryOptions,
): SummaryRequestInput {
  const prompt = options.prompt.trim();
  return {
    source: buildSource(selection, fileIds),
    detail: options.detail,
    metadata: { filename: selection.name.slice(0, 200) },
    ...(selection.kind === 'video' ? { sampling: buildSampling(options) } : {}),
    ...(prompt === '' ? {} : { prompt }),
  };
}

function buildSampling({ sampling, fps }: SummaryOptions): NonNullable<SummaryRequestInput['sampling']> {
  return sampling === 'fps' ? { mode: 'fps', fps } : { mode: sampling };
}

function buildSource(selection: SourceSelection, fileIds: readonly FileId[]): SummaryRequestInput['source'] {
  if (selection.from === 'url') {
    return selection.kind === 'images'
      ? { type: 'images', urls: [selection.url] }
      : { type: selection.kind, url: selection.url };
  }
  if (selection.kind === 'images') return { type: 'images', file_ids: [...fileIds] };
  const [fileId] = fileIds;
  if (fileId === undefined) throw new Error('a file was not uploaded');
  return { type: selection.kind, file_id: fileId };
}
