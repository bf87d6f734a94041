/** The workflows a worker runs. The bundle begins here. */
export { summarize } from './summarize.ts';
