/** Models in OpenAI's format, for clients that ask which models a server has. */
import { z } from 'zod';

export const Model = z
  .object({
    id: z.string().describe('The name of the model.'),
    object: z.literal('model'),
    created: z.int().describe('Always 0: the date of a model is not known.'),
    owned_by: z.string(),
  })
  .meta({ id: 'Model' });
export type Model = z.infer<typeof Model>;

export const ModelList = z
  .object({ object: z.literal('list'), data: z.array(Model) })
  .meta({ id: 'ModelList' });

/** Returns the model with a name. */
export function modelObject(id: string): Model {
  return { id, object: 'model', created: 0, owned_by: 'frameloom' };
}
