import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { ACCEPTED_FILE_TYPES, Icon } from '../shared/index.ts';

interface Props {
  /** Whether files are dragged over the page. */
  readonly isDraggedOver: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

/** The area for dropped files, with a button that opens the file dialog. */
export function DropZone({ isDraggedOver, onFiles }: Props): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class={isDraggedOver ? 'drop-zone drop-zone--over' : 'drop-zone'}>
      <span class="drop-zone__icon">
        <Icon name="upload" />
      </span>
      <p class="drop-zone__title">{isDraggedOver ? 'Drop to add' : 'Drop a video, a PDF or images here'}</p>
      <button class="button" type="button" onClick={() => input.current?.click()}>
        Choose files
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        multiple
        accept={ACCEPTED_FILE_TYPES}
        aria-label="Source files"
        tabIndex={-1}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = ''; // the same file can be chosen again
          if (files.length > 0) onFiles(files);
        }}
      />
      <p class="drop-zone__kinds">MP4, MKV, WebM, MOV, TS, AVI · PDF, PPTX · JPEG, PNG, WebP</p>
    </div>
  );
}
