export { answerInThread, runInThread, spawnThread } from './thread.ts';
