/** What one generation cost on this attempt. `cached`: it was found, not made. */
export interface Cost {
  readonly attempts: number;
  readonly cached: boolean;
  readonly gpuSeconds: number;
  /** Pictures that the vision graph had to be run for. */
  readonly visionCalls: number;
  /** Answers that its steps served on average: how much it shared them. 0 where none was taken. */
  readonly rows: number;
  /** What ran the model, such as `onnxruntime-node 1.30.0 cpu`. */
  readonly runtime: string;
  /** Of the answer, whether it was made or found. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}
