export { detectMediaKind, detectMediaKindOfBytes } from './media-kind.ts';
