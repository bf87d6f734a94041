export { encodePrompt, type PromptPart, type Role } from './prompt.ts';
export { findRepetition } from './repetition.ts';
export { createSampler, type Sampler, type Sampling } from './sampling.ts';
export { createTextStream } from './text-stream.ts';
export { loadTokenizer, type Tokenizer } from './tokenizer.ts';
