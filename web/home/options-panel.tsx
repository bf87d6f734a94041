import type { JSX } from 'preact';
import type { SourceKind } from '../shared/index.ts';
import type { Options } from './request.ts';

const DETAILS = [
  { value: 'low', label: 'Low', meaning: 'fastest; large shapes and titles' },
  { value: 'medium', label: 'Medium', meaning: 'right for most videos and slides' },
  { value: 'high', label: 'High', meaning: 'slowest; small print and dense charts' },
] as const;

const SAMPLINGS = [
  { value: 'adaptive', label: 'Where it changes' },
  { value: 'fps', label: 'Evenly' },
] as const;

interface Props {
  readonly kind: SourceKind;
  readonly options: Options;
  readonly onChange: (options: Options) => void;
}

/** What can be set, folded away behind a line that says how it is set. */
export function OptionsPanel({ kind, options, onChange }: Props): JSX.Element {
  return (
    <details class="options">
      <summary>
        <span class="options__label">Options</span>
        <span class="muted">{describe(kind, options)}</span>
      </summary>
      <div class="options__fields">
        <fieldset class="field">
          <legend class="label">Detail</legend>
          <div class="segmented">
            {DETAILS.map(({ value, label }) => (
              <label key={value} class="segmented__item">
                <input
                  type="radio"
                  name="detail"
                  value={value}
                  checked={options.detail === value}
                  onChange={() => onChange({ ...options, detail: value })}
                />
                <span>{label}</span>
              </label>
            ))}
          </div>
          <p class="help">
            How closely each picture is looked at:{' '}
            {DETAILS.find(({ value }) => value === options.detail)?.meaning}.
          </p>
        </fieldset>
        {kind === 'video' && (
          <fieldset class="field">
            <legend class="label">Pictures</legend>
            <div class="segmented">
              {SAMPLINGS.map(({ value, label }) => (
                <label key={value} class="segmented__item">
                  <input
                    type="radio"
                    name="sampling"
                    value={value}
                    checked={options.sampling === value}
                    onChange={() => onChange({ ...options, sampling: value })}
                  />
                  <span>{label}</span>
                </label>
              ))}
            </div>
            <p class="help">
              {options.sampling === 'fps'
                ? 'So many a second; repeated pictures are dropped.'
                : 'Every shot, slide and line is seen once; what stands still costs nothing.'}
            </p>
          </fieldset>
        )}
        {kind === 'video' && options.sampling === 'fps' && (
          <div class="field">
            <label class="label" for="fps">
              Pictures per second
            </label>
            <input
              id="fps"
              class="input input--number tabular"
              type="number"
              min="0.01"
              max="30"
              step="any"
              required
              value={options.fps}
              onChange={(event) => {
                const fps = event.currentTarget.valueAsNumber;
                if (fps > 0 && fps <= 30) onChange({ ...options, fps });
              }}
            />
          </div>
        )}
        <div class="field field--wide">
          <label class="label" for="prompt">
            What should the summary stress? <span class="muted">optional</span>
          </label>
          <textarea
            id="prompt"
            class="input"
            rows={2}
            maxLength={4000}
            placeholder="What happens, in order?"
            value={options.prompt}
            onInput={(event) => onChange({ ...options, prompt: event.currentTarget.value })}
          />
        </div>
      </div>
    </details>
  );
}

function describe(kind: SourceKind, { detail, sampling, fps, prompt }: Options): string {
  const parts = [`${detail} detail`];
  if (kind === 'video' && sampling === 'adaptive') parts.push('a picture where something changes');
  if (kind === 'video' && sampling === 'fps')
    parts.push(fps === 1 ? '1 picture per second' : `${fps} pictures per second`);
  if (prompt.trim() !== '') parts.push('own prompt');
  return parts.join(', ');
}
