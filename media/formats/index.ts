export { sniff, sniffBytes } from './sniff.ts';
