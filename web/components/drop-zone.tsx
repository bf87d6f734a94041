import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ACCEPTED } from '../source-kind.ts';
import { Icon } from './icon.tsx';

/** Takes files dropped anywhere on the page, pasted, or chosen with the button. */
export function DropZone({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const latest = useRef(onFiles);
  latest.current = onFiles;

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const drag = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault(); // otherwise the browser opens the file
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setOver(false);
      latest.current([...event.dataTransfer.files]);
    };
    const paste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) latest.current(files);
    };
    document.addEventListener('dragover', drag, { signal });
    document.addEventListener('dragleave', leave, { signal });
    document.addEventListener('drop', drop, { signal });
    document.addEventListener('paste', paste, { signal });
    return () => controller.abort();
  }, []);

  return (
    <div class={over ? 'drop-zone drop-zone--over' : 'drop-zone'}>
      <span class="drop-zone__icon">
        <Icon name="upload" />
      </span>
      <p class="drop-zone__title">{over ? 'Let go to choose it' : 'Drop a video, a PDF or pictures here'}</p>
      <button class="button" type="button" onClick={() => input.current?.click()}>
        Choose files
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        multiple
        accept={ACCEPTED}
        aria-label="Source files"
        tabIndex={-1}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = ''; // the same file can be chosen again
          if (files.length > 0) onFiles(files);
        }}
      />
      <p class="drop-zone__kinds">MP4, MKV, WebM, MOV, TS, AVI · PDF · JPEG, PNG, WebP</p>
    </div>
  );
}
