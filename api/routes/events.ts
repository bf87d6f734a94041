/** The event log of a job: as a stream that can be resumed, or page by page. */
import { createRoute, z } from '@hono/zod-openapi';
import { isLastEvent, JobEvent } from '../../schema/events.ts';
import { isClosed } from '../../temporal/orchestrator.ts';
import { type Api, type ApiDeps, describeError, integerParam, problems } from '../app/index.ts';
import {
  eventStream,
  findJob,
  followEvents,
  SSE_HEADERS,
  storedEvents,
  tellPlace,
  withPlace,
} from '../jobs/index.ts';
import { JobParams } from './summaries.ts';

/** -1 is before the first. */
function eventId(description: string) {
  return integerParam(-1, Number.MAX_SAFE_INTEGER, description);
}

const EventPage = z
  .object({
    object: z.literal('list'),
    data: z.array(JobEvent),
    next_after: z.int().nullable().describe('`after` of the next page; null when nothing can follow.'),
  })
  .meta({ id: 'EventPage' });

const events = createRoute({
  method: 'get',
  path: '/v1/summaries/{id}/events',
  operationId: 'streamEvents',
  summary: 'What happens, as it happens',
  description:
    'A stream of server-sent events: `id` is the number of the event, `event` its type, `data` the event as JSON. It goes on ' +
    'after `Last-Event-ID`, and ends with the job. With `Accept: application/json` the same log comes in pages. While other jobs go ' +
    'first, messages of the type `progress`, without `id` and not part of the log, tell the place in line. A stream ' +
    'that was followed to its end is answered with 204.',
  tags: ['Summaries'],
  request: {
    params: JobParams,
    headers: z.object({
      'last-event-id': eventId('Number of the last event the client has seen.').optional(),
    }),
    query: z.object({
      after: eventId('The same, for clients that cannot set the header.').optional(),
      limit: integerParam(1, 1000, 'Most events of a page; 100 if not given.').optional(),
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
    204: { description: 'The client has seen all there is and will be.' },
    ...problems('invalid_request', 'not_found', 'unavailable', 'storage_unavailable'),
  },
});

export function eventRoutes(app: Api, deps: ApiDeps): void {
  const { orchestrator, store, clock, closing, log, pace } = deps;

  app.openapi(events, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const { after: fromQuery, limit = 100 } = c.req.valid('query');
    // A browser that reconnects repeats the address and adds the header: the header is the newer word.
    const after = c.req.valid('header')['last-event-id'] ?? fromQuery ?? -1;

    if (wantsPage(c.req.header('Accept'))) {
      const data: JobEvent[] = [];
      for await (const event of storedEvents(store, record, after)) {
        data.push(event);
        if (data.length === limit) break;
      }
      const last = data.at(-1);
      const ended = last ? isLastEvent(last) : isClosed(record);
      return c.json({ object: 'list' as const, data, next_after: ended ? null : (last?.id ?? after) }, 200);
    }

    if (isClosed(record) && (await storedEvents(store, record, after).next()).done) return c.body(null, 204);
    if (c.req.method === 'HEAD') return new Response(null, { headers: SSE_HEADERS });
    const stop = new AbortController();
    const signals = [
      ...[stop.signal, c.req.raw.signal],
      ...(closing ? [closing] : []),
      ...(pace ? [AbortSignal.timeout(pace.stream)] : []),
    ];
    const requestId = c.get('requestId');
    const journal = {
      ...{ store, clock, describe: () => orchestrator.describe(record.id) },
      ...(pace ? { interval: pace.look } : {}),
    };
    const stream = tellPlace(
      followEvents(journal, record, after, AbortSignal.any(signals)),
      (progress) => withPlace(orchestrator, record, progress),
      clock,
    );
    return eventStream(stream, {
      clock,
      stop,
      onError: (error) =>
        log('error', 'event stream broke off', {
          request_id: requestId,
          code: describeError(error).code,
          error,
        }),
    });
  });
}

function wantsPage(accept = ''): boolean {
  return accept.includes('application/json') && !accept.includes('text/event-stream');
}
