export { type ModelHost, startModelHost } from './model-host.ts';
