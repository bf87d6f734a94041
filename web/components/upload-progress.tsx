import type { JSX } from 'preact';
import { formatBytes } from '../format.ts';
import type { Sending } from '../hooks/use-submit.ts';
import { ProgressBar } from './progress-bar.tsx';

interface Props {
  readonly sending: Sending;
  readonly onCancel: () => void;
}

export function UploadProgress({ sending: { sent, total }, onCancel }: Props): JSX.Element {
  const uploading = sent < total;
  return (
    <div class="upload">
      <div class="row row--spread">
        <p role="status">{uploading ? 'Uploading' : 'Starting'}</p>
        {total > 0 && (
          <p class="muted tabular">
            {formatBytes(sent)} of {formatBytes(total)}
          </p>
        )}
      </div>
      <ProgressBar label="Upload" percent={uploading ? (100 * sent) / total : undefined} />
      <div class="composer__actions">
        <button class="button" type="button" onClick={onCancel}>
          Cancel upload
        </button>
      </div>
    </div>
  );
}
