import { z } from '@hono/zod-openapi';

/**
 * An integer in a query or header. Only decimal digits are accepted: `Number` would read an empty value as 0.
 */
export function integerParam(minimum: number, maximum: number, description: string) {
  return z
    .string()
    .regex(/^-?\d{1,16}$/, { error: 'must be an integer' })
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .meta({ type: 'integer', minimum, maximum, description });
}
