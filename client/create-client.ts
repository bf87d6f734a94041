/**
 * The typed client of the API, for Node and browsers. Requests, responses, methods and paths are typed by the
 * operations of the API. It imports types and a reader of server-sent events only, so it adds little to a page.
 */
import { type BatchMethods, batchMethods } from './batches.ts';
import { type EventMethods, eventMethods } from './event-stream.ts';
import { type FileMethods, fileMethods } from './files.ts';
import { type ScheduleMethods, scheduleMethods } from './schedules.ts';
import { type SummaryMethods, summaryMethods } from './summaries.ts';
import { type ClientOptions, createTransport } from './transport.ts';
import { type UsageMethods, usageMethods } from './usage.ts';

/** All operations of the API. Every method rejects with `ApiError`. */
export interface FrameloomClient
  extends SummaryMethods,
    EventMethods,
    FileMethods,
    BatchMethods,
    ScheduleMethods,
    UsageMethods {}

/**
 * Creates a client. It sends no request yet.
 *
 * @example
 * const client = createClient({ url: 'http://localhost:8484' });
 * const file = await client.uploadFile(await openAsBlob('talk.mp4'), 'talk.mp4');
 * const job = await client.createSummary({ source: { type: 'video', file_id: file.id } });
 * for await (const event of client.streamEvents(job.id)) console.log(event.type);
 */
export function createClient(options: ClientOptions = {}): FrameloomClient {
  const transport = createTransport(options);
  return {
    ...summaryMethods(transport),
    ...eventMethods(transport),
    ...fileMethods(transport),
    ...batchMethods(transport),
    ...scheduleMethods(transport),
    ...usageMethods(transport),
  };
}
