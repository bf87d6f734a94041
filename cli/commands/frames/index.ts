export { frames } from './frames.ts';
