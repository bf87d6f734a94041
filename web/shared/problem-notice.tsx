import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../../schema/problem.ts';
import { useServer } from './context.ts';
import { Icon } from './icon.tsx';

interface Props {
  readonly problem: Pick<Problem, 'title' | 'detail' | 'hint' | 'code'>;
  /** Actions: buttons or links. */
  readonly children?: ComponentChildren;
}

/** An error with a hint and actions. For a missing API key it contains the form to enter one. */
export function ProblemNotice({ problem, children }: Props): JSX.Element {
  return (
    <div class="notice notice--danger" role="alert">
      <Icon name="alert" />
      <div class="notice__body">
        <p class="notice__title">{problem.title}</p>
        {problem.detail !== '' && problem.detail !== problem.title && <p>{problem.detail}</p>}
        <p class="notice__hint">{problem.hint}</p>
        {problem.code === 'unauthorized' ? <KeyForm /> : children && <div class="row">{children}</div>}
      </div>
    </div>
  );
}

function KeyForm(): JSX.Element {
  const server = useServer();
  const [key, setKey] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    server.saveApiKey(key.trim());
    location.reload();
  };
  return (
    <form class="row" onSubmit={submit}>
      <input
        class="input"
        type="password"
        autocomplete="off"
        required
        aria-label="API key"
        placeholder="API key"
        value={key}
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      <button class="button button--primary" type="submit">
        <Icon name="key" /> Use key
      </button>
    </form>
  );
}
