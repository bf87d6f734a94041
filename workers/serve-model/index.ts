export { runModelServer } from './run.ts';
