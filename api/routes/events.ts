/** The event log of a job: a stream that can be resumed, or pages. */
import { isLastEvent, type JobEvent } from '../../schema/events.ts';
import { isClosed, type JobRecord } from '../../temporal/orchestrator.ts';
import { type Api, type ApiDeps, describeError } from '../app/index.ts';
import {
  eventStream,
  findJob,
  followEvents,
  SSE_HEADERS,
  storedEvents,
  withQueueProgress,
  withQueueUpdates,
} from '../jobs/index.ts';
import * as operations from '../operations/index.ts';

export function eventRoutes(app: Api, deps: ApiDeps): void {
  const { orchestrator, store, clock, closing, log, streamTiming } = deps;

  app.openapi(operations.streamEvents, async (c) => {
    const record = await findJob(orchestrator, c.get('tenant'), c.req.valid('param').id);
    const { after: fromQuery, limit = 100 } = c.req.valid('query');
    // A browser that reconnects repeats the URL and adds the header, so the header is newer.
    const after = c.req.valid('header')['last-event-id'] ?? fromQuery ?? -1;

    if (acceptsPage(c.req.header('Accept'))) {
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
      ...(streamTiming ? [AbortSignal.timeout(streamTiming.maxStreamMs)] : []),
    ];
    const requestId = c.get('requestId');
    let latest: JobRecord | undefined = record;
    const describe = async (): Promise<JobRecord | undefined> => {
      latest = await orchestrator.describe(record.id);
      return latest;
    };
    const eventLog = {
      ...{ store, clock, describe },
      ...(streamTiming ? { pollIntervalMs: streamTiming.pollIntervalMs } : {}),
    };
    const stream = withQueueUpdates(
      followEvents(eventLog, record, after, AbortSignal.any(signals)),
      {
        readProgress: (progress) => withQueueProgress(orchestrator, record, progress),
        isWaiting: () => latest?.isWaiting === true && latest.state === 'running',
      },
      clock,
    );
    return eventStream(stream, {
      clock,
      stop,
      onError: (error) =>
        log('error', 'event stream failed', {
          request_id: requestId,
          code: describeError(error).code,
          error,
        }),
    });
  });
}

function acceptsPage(accept = ''): boolean {
  return accept.includes('application/json') && !accept.includes('text/event-stream');
}
