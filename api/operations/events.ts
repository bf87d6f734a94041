/** The event log of a job: a stream that can be resumed, or pages. */
import { createRoute, z } from '@hono/zod-openapi';
import { JobEvent } from '../../schema/events.ts';
import { integerParam, problems } from '../app/index.ts';
import { JobParams } from './summaries.ts';

/** -1 is before the first event. */
function eventId(description: string) {
  return integerParam(-1, Number.MAX_SAFE_INTEGER, description);
}

const EventPage = z
  .object({
    object: z.literal('list'),
    data: z.array(JobEvent),
    next_after: z.int().nullable().describe('`after` of the next page, or null after the last event.'),
  })
  .meta({ id: 'EventPage' });

export const streamEvents = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/events',
  operationId: 'streamEvents',
  summary: 'Stream the events of a summary',
  description:
    'Streams server-sent events until the job ends. `id` is the number of the event, `event` its type, and `data` the ' +
    'event as JSON. To resume a stream, send the last number you received as `Last-Event-ID`. With `Accept: ' +
    'application/json` the same events are returned in pages. While the job waits for other jobs, the stream also ' +
    'has messages of type `progress` with the queue position and, as `stage`, `waiting` until a worker starts its next ' +
    'work. They have no `id` and are not part of the log.',
  tags: ['Summaries'],
  request: {
    params: JobParams,
    headers: z.object({
      'last-event-id': eventId('The number of the last event you received.').optional(),
    }),
    query: z.object({
      after: eventId('The same, for clients that cannot set the header.').optional(),
      limit: integerParam(1, 1000, 'The maximum number of events per page. The default is 100.').optional(),
    }),
  },
  responses: {
    200: {
      description: 'The events.',
      content: {
        'text/event-stream': { schema: JobEvent },
        'application/json': { schema: EventPage },
      },
    },
    204: { description: 'The job has ended, and you have received all of its events.' },
    ...problems('invalid_request', 'not_found', 'unavailable', 'storage_unavailable'),
  },
});
