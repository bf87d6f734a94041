import type { JSX } from 'preact';
import { formatBytes } from '../../core/format.ts';
import { ProgressBar } from '../shared/index.ts';
import type { Sending } from './use-submit.ts';

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
