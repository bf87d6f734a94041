import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { parseSourceUrl } from '../shared/index.ts';

interface Props {
  readonly onUrl: (address: NonNullable<ReturnType<typeof parseSourceUrl>>) => void;
}

export function UrlForm({ onUrl }: Props): JSX.Element {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    const address = parseSourceUrl(text);
    setWrong(!address);
    if (address) onUrl(address);
  };
  return (
    <form class="address" noValidate onSubmit={submit}>
      <label class="label" for="address">
        or paste a URL
      </label>
      <div class="row">
        <input
          id="address"
          class="input"
          type="url"
          inputMode="url"
          autocomplete="off"
          spellcheck={false}
          placeholder="https://example.org/talk.mp4"
          value={text}
          aria-invalid={wrong}
          aria-describedby={wrong ? 'address-error' : undefined}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setWrong(false);
          }}
        />
        <button class="button" type="submit">
          Use URL
        </button>
      </div>
      {wrong && (
        <p class="field-error" id="address-error" role="alert">
          Enter a URL that starts with https:// and points to a video, a PDF or an image.
        </p>
      )}
    </form>
  );
}
