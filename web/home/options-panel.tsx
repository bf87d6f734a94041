import type { JSX } from 'preact';
import type { SourceKind } from '../shared/index.ts';
import type { SummaryOptions } from './request.ts';

const DETAILS = [
  { value: 'low', label: 'Low', meaning: 'Fastest, for large shapes and titles.' },
  { value: 'medium', label: 'Medium', meaning: 'For most videos and slides.' },
  { value: 'high', label: 'High', meaning: 'Slowest, for small text and dense charts.' },
] as const;

const SAMPLINGS = [
  { value: 'adaptive', label: 'On changes' },
  { value: 'fps', label: 'At a fixed rate' },
] as const;

interface Props {
  readonly kind: SourceKind;
  readonly options: SummaryOptions;
  readonly onChange: (options: SummaryOptions) => void;
}

/** The options of a summary, collapsed to a line with their values. */
export function OptionsPanel({ kind, options, onChange }: Props): JSX.Element {
  return (
    <details class="options">
      <summary>
        <span class="options__label">Options</span>
        <span class="muted">{describeOptions(kind, options)}</span>
      </summary>
      <div class="options__fields">
        <fieldset class="field">
          <legend class="label">Detail</legend>
          <Segmented
            name="detail"
            choices={DETAILS}
            selected={options.detail}
            onSelect={(detail) => onChange({ ...options, detail })}
          />
          <p class="help">{DETAILS.find(({ value }) => value === options.detail)?.meaning}</p>
        </fieldset>
        {kind === 'video' && (
          <fieldset class="field">
            <legend class="label">Frames</legend>
            <Segmented
              name="sampling"
              choices={SAMPLINGS}
              selected={options.sampling}
              onSelect={(sampling) => onChange({ ...options, sampling })}
            />
            <p class="help">
              {options.sampling === 'fps'
                ? 'At a fixed number per second. Repeated frames are dropped.'
                : 'One frame for every new shot, slide or line of text. Static parts add none.'}
            </p>
          </fieldset>
        )}
        {kind === 'video' && options.sampling === 'fps' && (
          <div class="field">
            <label class="label" for="fps">
              Frames per second
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
            What should the summary focus on? <span class="muted">optional</span>
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

interface SegmentedProps<Value extends string> {
  readonly name: string;
  readonly choices: readonly { readonly value: Value; readonly label: string }[];
  readonly selected: Value;
  readonly onSelect: (value: Value) => void;
}

/** Radio buttons in one row. */
function Segmented<Value extends string>(props: SegmentedProps<Value>): JSX.Element {
  const { name, choices, selected, onSelect } = props;
  return (
    <div class="segmented">
      {choices.map(({ value, label }) => (
        <label key={value} class="segmented__item">
          <input
            type="radio"
            name={name}
            value={value}
            checked={selected === value}
            onChange={() => onSelect(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </div>
  );
}

function describeOptions(kind: SourceKind, { detail, sampling, fps, prompt }: SummaryOptions): string {
  const parts = [`${detail} detail`];
  if (kind === 'video' && sampling === 'adaptive') parts.push('frames on changes');
  if (kind === 'video' && sampling === 'fps')
    parts.push(fps === 1 ? '1 frame per second' : `${fps} frames per second`);
  if (prompt.trim() !== '') parts.push('custom prompt');
  return parts.join(', ');
}
