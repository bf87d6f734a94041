import type { JSX } from 'preact';
import { formatBytes } from '../../core/format.ts';
import { Icon, type SourceKind } from '../shared/index.ts';
import type { Staged } from './request.ts';

const KINDS: Readonly<Record<SourceKind, string>> = {
  video: 'Video',
  deck: 'Slide deck',
  images: 'Pictures',
};

interface Props {
  readonly staged: Staged;
  readonly locked: boolean;
  readonly onChange: (staged: Staged) => void;
  readonly onClear: () => void;
}

/** The chosen source. The kind of a file shows in its bytes; that of an address is a guess the user may correct. */
export function StagedSource({ staged, locked, onChange, onClear }: Props): JSX.Element {
  return (
    <div class="staged">
      <span class="staged__icon">
        <Icon name={staged.kind} />
      </span>
      <div class="staged__text">
        <p class="staged__name">{staged.name}</p>
        {staged.from === 'files' ? (
          <p class="muted tabular">
            {KINDS[staged.kind]} · {formatBytes(staged.files.reduce((sum, file) => sum + file.size, 0))}
          </p>
        ) : (
          <label class="staged__kind muted">
            Read it as{' '}
            <select
              class="select"
              disabled={locked}
              value={staged.kind}
              onChange={(event) => {
                const kind = asKind(event.currentTarget.value);
                if (kind) onChange({ ...staged, kind });
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
          aria-label="Choose another source"
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
