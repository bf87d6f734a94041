import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { chooseFiles, ProblemNotice, useDroppedFiles } from '../shared/index.ts';
import { AddressForm } from './address-form.tsx';
import { DropZone } from './drop-zone.tsx';
import { OptionsPanel } from './options-panel.tsx';
import { RecentJobs } from './recent-jobs.tsx';
import { DEFAULT_OPTIONS, type Options, type Staged } from './request.ts';
import { StagedSource } from './selected-source.tsx';
import { UploadProgress } from './upload-progress.tsx';
import { useSubmit } from './use-submit.ts';

interface Props {
  /** Told the id of a started job, and the file where it was a video of this machine. */
  readonly onStarted: (id: string, video: File | undefined) => void;
}

/** Choose a source, look over the options, start. */
export function HomePage({ onStarted }: Props): JSX.Element {
  const [staged, setStaged] = useState<Staged | undefined>(undefined);
  const [refusal, setRefusal] = useState('');
  const [options, setOptions] = useState<Options>(DEFAULT_OPTIONS);
  const submit = useSubmit(onStarted);

  const choose = (files: readonly File[]): void => {
    const chosen = chooseFiles(files);
    setRefusal(chosen.ok ? '' : chosen.message);
    if (!chosen.ok) return;
    const [first] = chosen.files;
    const name = chosen.files.length === 1 ? (first?.name ?? '') : `${chosen.files.length} pictures`;
    setStaged({ from: 'files', kind: chosen.kind, name, files: chosen.files });
  };
  const over = useDroppedFiles((files) => {
    if (!submit.sending) choose(files);
  });
  const clear = (): void => {
    submit.abort();
    setStaged(undefined);
  };

  return (
    <div class="home">
      <div class="home__intro">
        <h1>Summarize a video or slide deck</h1>
        <p class="muted">Chapters with times, and for every sentence the frames it rests on.</p>
      </div>
      {staged ? (
        <form
          class="card composer"
          aria-label="New summary"
          onSubmit={(event) => {
            event.preventDefault();
            submit.send(staged, options);
          }}
        >
          <StagedSource
            staged={staged}
            locked={submit.sending !== undefined}
            onChange={setStaged}
            onClear={clear}
          />
          {submit.sending ? (
            <UploadProgress sending={submit.sending} onCancel={submit.abort} />
          ) : (
            <>
              <OptionsPanel kind={staged.kind} options={options} onChange={setOptions} />
              <div class="composer__actions">
                <button class="button button--primary button--large" type="submit" autofocus ref={focusOnce}>
                  Summarize
                </button>
              </div>
            </>
          )}
          {refusal !== '' && (
            <p class="field-error" role="alert">
              {refusal}
            </p>
          )}
          {submit.problem && <ProblemNotice problem={submit.problem} />}
        </form>
      ) : (
        <div class="card chooser">
          <DropZone over={over} onFiles={choose} />
          {refusal !== '' && (
            <p class="field-error" role="alert">
              {refusal}
            </p>
          )}
          <AddressForm
            onAddress={({ url, kind, name }) => {
              setRefusal('');
              setStaged({ from: 'address', kind, name, url });
            }}
          />
        </div>
      )}
      <RecentJobs />
    </div>
  );
}

/** Choosing a source leaves the keyboard at the next step. */
function focusOnce(button: HTMLButtonElement | null): void {
  button?.focus();
}
