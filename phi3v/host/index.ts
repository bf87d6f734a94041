export { type ModelHost, startModelHost } from './host.ts';
