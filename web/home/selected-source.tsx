import type { JSX } from 'preact';
import { formatBytes } from '../../core/format.ts';
import { Icon, type SourceKind } from '../shared/index.ts';
import type { SourceSelection } from './request.ts';

const KINDS: Readonly<Record<SourceKind, string>> = {
  video: 'Video',
  deck: 'Slide deck',
  images: 'Images',
};

interface Props {
  readonly selection: SourceSelection;
  readonly locked: boolean;
  readonly onChange: (selection: SourceSelection) => void;
  readonly onClear: () => void;
}

/** The selected source. The kind of a URL is a guess that the user can correct. */
export function SelectedSource({ selection, locked, onChange, onClear }: Props): JSX.Element {
  return (
    <div class="staged">
      <span class="staged__icon">
        <Icon name={selection.kind} />
      </span>
      <div class="staged__text">
        <p class="staged__name">{selection.name}</p>
        {selection.from === 'files' ? (
          <p class="muted tabular">
            {KINDS[selection.kind]} · {formatBytes(selection.files.reduce((sum, file) => sum + file.size, 0))}
          </p>
        ) : (
          <label class="staged__kind muted">
            Type{' '}
            <select
              class="select"
              disabled={locked}
              value={selection.kind}
              onChange={(event) => {
                const kind = asKind(event.currentTarget.value);
                if (kind) onChange({ ...selection, kind });
              }}
            >
              {Object.entries(KINDS).map(([kind, label]) => (
                <option key={kind} value={kind}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {!locked && (
        <button
          class="button button--quiet button--icon"
          type="button"
          aria-label="Remove source"
          onClick={onClear}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

function asKind(value: string): SourceKind | undefined {
  return value === 'video' || value === 'deck' || value === 'images' ? value : undefined;
}
