import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { SummaryResult } from '../../schema/result.ts';
import { Icon } from '../shared/index.ts';
import { copyText, downloadText, safeFileStem } from './copy-and-download.ts';
import { formatMarkdown } from './markdown.ts';

interface Props {
  readonly result: SummaryResult;
  /** Name of the source, for the names of downloaded files. */
  readonly name: string;
}

/** How long the button shows the outcome. */
const COPIED_MS = 2500;

export function ResultActions({ result, name }: Props): JSX.Element {
  const [copied, setCopied] = useState<'' | 'Copied' | 'Could not copy'>('');
  useEffect(() => {
    if (copied === '') return undefined;
    const timer = setTimeout(() => setCopied(''), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    setCopied((await copyText(formatMarkdown(result))) ? 'Copied' : 'Could not copy');
  };
  return (
    <div class="job-header__actions">
      <button class="button" type="button" onClick={() => void copy()}>
        <Icon name={copied === 'Copied' ? 'check' : 'copy'} /> {copied || 'Copy Markdown'}
      </button>
      <button
        class="button"
        type="button"
        aria-label="Download Markdown"
        onClick={() =>
          downloadText(`${safeFileStem(name)}.summary.md`, 'text/markdown', formatMarkdown(result))
        }
      >
        <Icon name="download" /> Markdown
      </button>
      <button
        class="button"
        type="button"
        aria-label="Download JSON"
        onClick={() =>
          downloadText(
            `${safeFileStem(name)}.summary.json`,
            'application/json',
            `${JSON.stringify(result, null, 2)}\n`,
          )
        }
      >
        <Icon name="download" /> JSON
      </button>
      <span class="visually-hidden" role="status">
        {copied}
      </span>
    </div>
  );
}
