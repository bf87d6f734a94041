import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { parseAddress } from '../shared/index.ts';

interface Props {
  readonly onAddress: (address: NonNullable<ReturnType<typeof parseAddress>>) => void;
}

export function AddressForm({ onAddress }: Props): JSX.Element {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    const address = parseAddress(text);
    setWrong(!address);
    if (address) onAddress(address);
  };
  return (
    <form class="address" noValidate onSubmit={submit}>
      <label class="label" for="address">
        or paste an address
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
          Use address
        </button>
      </div>
      {wrong && (
        <p class="field-error" id="address-error" role="alert">
          Give a full address that starts with https:// and leads to a video, a PDF or a picture.
        </p>
      )}
    </form>
  );
}
