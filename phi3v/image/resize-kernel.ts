/** Exports of resize-kernel.wat, which documents them. Addresses are byte offsets into the memory. */
export interface ResizeKernel {
  resizeRow(row: number, starts: number, weights: number, taps: number, out: number, width: number): void;
  mixRows(rows: number, weights: number, taps: number, out: number, length: number): void;
}

const WASM_PAGE_BYTES = 65_536;

/** resize-kernel.wat, compiled by scripts/write-resize-kernel.mjs. */
const COMPILED =
  'AGFzbQEAAAABEgJgBn9/f39/fwBgBX9/f39/AAISAQZrZXJuZWwGbWVtb3J5AgABAwMCAAEHFwIJcmVzaXplUm93AAAHbWl4' +
  'Um93cwABCroDAscBAgJ/AXsDQCAAIAEoAgBqIQYgAyEH/QwAACAAAAAgAAAAIAAAACAAIQgDQCAIIAb9XAIA/YkB/akBIAL9' +
  'CQIA/bUBIAb9XAID/YkB/akBIAL9CQIE/bUBIAb9XAIG/YkB/akBIAL9CQII/bUB/a4B/a4B/a4BIQggBkEJaiEGIAJBDGoh' +
  'AiAHQQNrIgcNAAsgCEEW/a0BIQggCCAI/YYBIQggBCAIIAj9Zv1aAgAAIARBA2ohBCABQQRqIQEgBUEBayIFDQALC+4BAgJ/' +
  'B3sgAkECdCECA0D9DAAAIAAAACAAAAAgAAAAIAAhCiAKIQsgCiEMIAohDUEAIQYDQCABIAZq/QkCACEJIAAgBmooAgAgBWr9' +
  'AAQAIQcgB/2JASEIIAogCP2pASAJ/bUB/a4BIQogCyAI/aoBIAn9tQH9rgEhCyAH/YoBIQggDCAI/akBIAn9tQH9rgEhDCAN' +
  'IAj9qgEgCf21Af2uASENIAZBBGohBiAGIAJJDQALIAMgBWogCkEW/a0BIAtBFv2tAf2GASAMQRb9rQEgDUEW/a0B/YYB/Wb9' +
  'CwQAIAVBEGohBSAFIARJDQALCw==';

/**
 * Shared by all instances, since a module has no state. Node 20 has WebAssembly SIMD on all its platforms.
 */
const MODULE = new WebAssembly.Module(Buffer.from(COMPILED, 'base64'));

/** An instance of the kernel with a zeroed memory of at least `bytes` bytes. */
export function resizeKernel(bytes: number): {
  readonly kernel: ResizeKernel;
  readonly memory: ArrayBuffer;
} {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / WASM_PAGE_BYTES) });
  const { exports } = new WebAssembly.Instance(MODULE, { kernel: { memory } });
  return { kernel: exports as unknown as ResizeKernel, memory: memory.buffer }; // the exports are those of the .wat
}
