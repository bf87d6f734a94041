import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../../client/index.ts';
import type { FileId } from '../../schema/ids.ts';
import type { Problem } from '../../schema/problem.ts';
import { useServer } from '../shared/index.ts';
import { type Options, requestFor, type Staged } from './request.ts';

/** Bytes sent of all bytes to send; `total` is 0 when there is nothing to upload. */
export interface Sending {
  readonly sent: number;
  readonly total: number;
}

export interface Submit {
  readonly sending: Sending | undefined;
  readonly problem: Problem | undefined;
  send(staged: Staged, options: Options): void;
  abort(): void;
}

/** Uploads what has to be uploaded, then starts the job. */
export function useSubmit(onStarted: (id: string, video: File | undefined) => void): Submit {
  const { client } = useServer();
  const controller = useRef<AbortController | undefined>(undefined);
  const [sending, setSending] = useState<Sending | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  useEffect(() => () => controller.current?.abort(), []);

  const run = async (staged: Staged, options: Options, signal: AbortSignal): Promise<void> => {
    const files = staged.from === 'files' ? staged.files : [];
    const total = files.reduce((sum, file) => sum + file.size, 0);
    setProblem(undefined);
    setSending({ sent: 0, total });
    try {
      const ids: FileId[] = [];
      let before = 0;
      for (const file of files) {
        const uploaded = await client.uploadFile(file, file.name, {
          onProgress: (sent) => setSending({ sent: Math.min(before + sent, total), total }),
          signal,
        });
        ids.push(uploaded.id);
        before += file.size;
        setSending({ sent: before, total });
      }
      const job = await client.createSummary(requestFor(staged, ids, options), { signal });
      onStarted(job.id, staged.kind === 'video' ? files[0] : undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.problem);
    } finally {
      setSending(undefined);
    }
  };

  return {
    sending,
    problem,
    send: (staged, options) => {
      controller.current?.abort();
      controller.current = new AbortController();
      void run(staged, options, controller.current.signal);
    },
    abort: () => controller.current?.abort(),
  };
}
