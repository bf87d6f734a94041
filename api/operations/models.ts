/** Models: what the server summarizes with. */
import { createRoute, z } from '@hono/zod-openapi';
import { Model, ModelList } from '../../schema/model.ts';
import { problems } from '../app/index.ts';

export const listModels = createRoute({
  method: 'get',
  path: '/v1/models',
  operationId: 'listModels',
  summary: 'List models',
  description:
    'Returns the model of the server. Empty on servers that do not know the model of their workers.',
  tags: ['Models'],
  responses: {
    200: { description: 'The models.', content: { 'application/json': { schema: ModelList } } },
    ...problems(),
  },
});

export const getModel = createRoute({
  method: 'get',
  path: '/v1/models/{id}',
  operationId: 'getModel',
  summary: 'Retrieve a model',
  tags: ['Models'],
  request: { params: z.object({ id: z.string().meta({ description: 'The name of the model.' }) }) },
  responses: {
    200: { description: 'The model.', content: { 'application/json': { schema: Model } } },
    ...problems('not_found'),
  },
});
