import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import type { FileId } from '../../schema/ids.ts';
import type { Problem } from '../../schema/problem.ts';
import { useServer } from '../shared/index.ts';
import { buildRequest, type SourceSelection, type SummaryOptions } from './request.ts';

/** In bytes; `total` is 0 when there is nothing to upload. */
export interface UploadState {
  readonly sent: number;
  readonly total: number;
}

export interface Submission {
  readonly upload: UploadState | undefined;
  readonly problem: Problem | undefined;
  submit(selection: SourceSelection, options: SummaryOptions): void;
  cancel(): void;
}

/** Uploads local files, then starts the job. */
export function useSubmission(onStarted: (id: string, video: File | undefined) => void): Submission {
  const { client } = useServer();
  const controller = useRef<AbortController | undefined>(undefined);
  const [upload, setUpload] = useState<UploadState | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), []);

  const run = async (
    selection: SourceSelection,
    options: SummaryOptions,
    signal: AbortSignal,
  ): Promise<void> => {
    const files = selection.from === 'files' ? selection.files : [];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    setProblem(undefined);
    setUpload({ sent: 0, total });
    try {
      const ids: FileId[] = [];
      let before = 0;
      for (const file of files) {
        const uploaded = await client.uploadFile(file, file.name, {
          onProgress: (sent) => setUpload({ sent: Math.min(before + sent, total), total }),
          signal,
        });
        ids.push(uploaded.id);
        before += file.size;
        setUpload({ sent: before, total });
      }
      const job = await client.createSummary(buildRequest(selection, ids, options), { signal });
      onStarted(job.id, selection.kind === 'video' ? files[0] : undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.problem);
    } finally {
      setUpload(undefined);
    }
  };

  return {
    upload,
    problem,
    submit: (selection, options) => {
      controller.current?.abort();
      controller.current = new AbortController();
      void run(selection, options, controller.current.signal);
    },
    cancel: () => controller.current?.abort(),
  };
}
