export { createTemporalHttpOrchestrator } from './orchestrator.ts';
