export { asStoreError } from './folder-errors.ts';
export { createFolderStore } from './folder-store.ts';
