import type { JSX } from 'preact';
import { formatBytes } from '../../core/format.ts';
import { ProgressBar } from '../shared/index.ts';
import type { UploadState } from './use-submission.ts';

interface Props {
  readonly upload: UploadState;
  readonly onCancel: () => void;
}

export function UploadProgress({ upload: { sent, total }, onCancel }: Props): JSX.Element {
  const isUploading = sent < total;
  return (
    <div class="upload">
      <div class="row row--spread">
        <p role="status">{isUploading ? 'Uploading' : 'Starting'}</p>
        {total > 0 && (
          <p class="muted tabular">
            {formatBytes(sent)} of {formatBytes(total)}
          </p>
        )}
      </div>
      <ProgressBar label="Upload" percent={isUploading ? (100 * sent) / total : undefined} />
      <div class="composer__actions">
        <button class="button" type="button" onClick={onCancel}>
          Cancel upload
        </button>
      </div>
    </div>
  );
}
