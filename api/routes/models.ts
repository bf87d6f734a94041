/** Models: what the server summarizes with. */
import { FrameloomError } from '../../core/errors.ts';
import { modelObject } from '../../schema/model.ts';
import type { Api, ApiDeps } from '../app/index.ts';
import * as operations from '../operations/index.ts';

export function modelRoutes(app: Api, { model }: ApiDeps): void {
  app.openapi(operations.listModels, (c) => {
    const data = model === undefined ? [] : [modelObject(model)];
    return c.json({ object: 'list' as const, data }, 200);
  });

  app.openapi(operations.getModel, (c) => {
    const { id } = c.req.valid('param');
    if (id !== model) throw new FrameloomError('not_found', 'No such model.');
    return c.json(modelObject(id), 200);
  });
}
