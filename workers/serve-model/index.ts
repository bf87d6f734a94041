export { runModelServer } from './run-model-server.ts';
