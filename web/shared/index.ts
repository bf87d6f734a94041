export {
  type FrameNavigation,
  FrameNavigationContext,
  ServerContext,
  useFrameNavigation,
  useServer,
} from './context.ts';
export { FrameImage } from './frame-image.tsx';
export { Icon } from './icon.tsx';
export { PageHeader } from './page-header.tsx';
export { ProblemNotice } from './problem-notice.tsx';
export { ProgressBar } from './progress-bar.tsx';
export { HOME_HREF, jobHref } from './route.ts';
export { createServerConnection, type ServerConnection } from './server.ts';
export { ACCEPTED_FILE_TYPES, classifyFiles, parseSourceUrl, type SourceKind } from './source-kind.ts';
export { StatusChip } from './status-chip.tsx';
export { useDroppedFiles } from './use-dropped-files.ts';
export { useIsConnected } from './use-is-connected.ts';
export { useObjectUrl } from './use-object-url.ts';
export { useRoute } from './use-route.ts';
