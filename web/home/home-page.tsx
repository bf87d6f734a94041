import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { classifyFiles, ProblemNotice, useDroppedFiles } from '../shared/index.ts';
import { DropZone } from './drop-zone.tsx';
import { OptionsPanel } from './options-panel.tsx';
import { RecentJobs } from './recent-jobs.tsx';
import { DEFAULT_OPTIONS, type SourceSelection, type SummaryOptions } from './request.ts';
import { SelectedSource } from './selected-source.tsx';
import { UploadProgress } from './upload-progress.tsx';
import { UrlForm } from './url-form.tsx';
import { useSubmission } from './use-submission.ts';

interface Props {
  /** Called with the id of a started job, and with the file if the source is a local video. */
  readonly onStarted: (id: string, video: File | undefined) => void;
}

/** The start page: choose a source, set options, start a job; below it the list of recent jobs. */
export function HomePage({ onStarted }: Props): JSX.Element {
  const [selection, setSelection] = useState<SourceSelection | undefined>(undefined);
  const [fileError, setFileError] = useState('');
  const [options, setOptions] = useState<SummaryOptions>(DEFAULT_OPTIONS);
  const submission = useSubmission(onStarted);

  const selectFiles = (files: readonly File[]): void => {
    const classified = classifyFiles(files);
    setFileError(classified.ok ? '' : classified.message);
    if (!classified.ok) return;
    const [first] = classified.files;
    const name = classified.files.length === 1 ? (first?.name ?? '') : `${classified.files.length} images`;
    setSelection({ from: 'files', kind: classified.kind, name, files: classified.files });
  };
  const isDraggedOver = useDroppedFiles((files) => {
    if (!submission.upload) selectFiles(files);
  });
  const clear = (): void => {
    submission.cancel();
    setSelection(undefined);
  };

  return (
    <div class="home">
      <div class="home__intro">
        <h1>Summarize a video or slide deck</h1>
        <p class="muted">Chapters with times, and links from every sentence to its frames.</p>
      </div>
      {selection ? (
        <form
          class="card composer"
          aria-label="New summary"
          onSubmit={(event) => {
            event.preventDefault();
            submission.submit(selection, options);
          }}
        >
          <SelectedSource
            selection={selection}
            locked={submission.upload !== undefined}
            onChange={setSelection}
            onClear={clear}
          />
          {submission.upload ? (
            <UploadProgress upload={submission.upload} onCancel={submission.cancel} />
          ) : (
            <>
              <OptionsPanel kind={selection.kind} options={options} onChange={setOptions} />
              <div class="composer__actions">
                <button
                  class="button button--primary button--large"
                  type="submit"
                  autofocus
                  ref={focusOnMount}
                >
                  Summarize
                </button>
              </div>
            </>
          )}
          {fileError !== '' && <FieldError message={fileError} />}
          {submission.problem && <ProblemNotice problem={submission.problem} />}
        </form>
      ) : (
        <div class="card chooser">
          <DropZone isDraggedOver={isDraggedOver} onFiles={selectFiles} />
          {fileError !== '' && <FieldError message={fileError} />}
          <UrlForm
            onUrl={({ url, kind, name }) => {
              setFileError('');
              setSelection({ from: 'url', kind, name, url });
            }}
          />
        </div>
      )}
      <RecentJobs />
    </div>
  );
}

function FieldError({ message }: { readonly message: string }): JSX.Element {
  return (
    <p class="field-error" role="alert">
      {message}
    </p>
  );
}

/** Moves the focus to the next step after a source is classified. */
function focusOnMount(button: HTMLButtonElement | null): void {
  button?.focus();
}
