import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { ACCEPTED, Icon } from '../shared/index.ts';

interface Props {
  /** Whether files are held over the page. */
  readonly over: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

/** Says that files may be dropped, and offers a button to those who would rather not. */
export function DropZone({ over, onFiles }: Props): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
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
