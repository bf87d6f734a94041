import { describe, expectTypeOf, it } from 'vitest';
import type {
  EndpointBody,
  EndpointOf,
  EndpointQuery,
  EndpointResponse,
  OperationId,
} from '../../api/contract.ts';
import type { FrameloomClient } from '../../client/index.ts';

/** Methods that send an `id` and return the JSON of the operation of the same name. */
type MethodsById = {
  [K in OperationId & keyof FrameloomClient as EndpointBody<EndpointOf<K>> extends undefined
    ? EndpointQuery<EndpointOf<K>> extends undefined
      ? Parameters<FrameloomClient[K]>[0] extends string
        ? EndpointResponse<EndpointOf<K>> extends object
          ? K
          : never
        : never
      : never
    : never]: K;
};

type Body<K extends OperationId> = EndpointBody<EndpointOf<K>>;
type Query<K extends OperationId> = Required<NonNullable<EndpointQuery<EndpointOf<K>>>>;
type Response<K extends OperationId> = EndpointResponse<EndpointOf<K>>;
type Returned<K extends keyof FrameloomClient> = Awaited<ReturnType<FrameloomClient[K]>>;
type Options<P> = Required<Omit<NonNullable<P>, 'signal' | 'idempotencyKey'>>;

describe('the typed client', () => {
  it('has a method for every operation, of the same name', () => {
    // `uploadFile` sends `createFile`, with progress.
    expectTypeOf<Exclude<OperationId, keyof FrameloomClient>>().toEqualTypeOf<'createFile'>();
    // `estimate` creates an estimate and reads it until it is complete.
    // `listEvents` reads pages of `streamEvents`.
    expectTypeOf<Exclude<keyof FrameloomClient, OperationId>>().toEqualTypeOf<
      'uploadFile' | 'estimate' | 'listEvents'
    >();
  });

  it('returns what each operation responds with', () => {
    type Returns = { [K in keyof MethodsById]: Returned<K> };
    type Responses = { [K in keyof MethodsById]: Response<K> };
    expectTypeOf<Returns>().toEqualTypeOf<Responses>();
    expectTypeOf<keyof MethodsById>().toEqualTypeOf<
      | 'getSummary'
      | 'cancelSummary'
      | 'retrySummary'
      | 'getFile'
      | 'deleteFile'
      | 'getUpload'
      | 'completeUpload'
      | 'getBatch'
      | 'cancelBatch'
      | 'pauseBatch'
      | 'resumeBatch'
      | 'retryBatch'
      | 'getSchedule'
      | 'pauseSchedule'
      | 'resumeSchedule'
      | 'triggerSchedule'
      | 'getEstimate'
      | 'getModel'
    >();
    expectTypeOf<Returned<'createSummary'>>().toEqualTypeOf<Response<'createSummary'>>();
    expectTypeOf<Returned<'uploadFile'>>().toEqualTypeOf<Response<'createFile'>>();
    expectTypeOf<Returned<'createUpload'>>().toEqualTypeOf<Response<'createUpload'>>();
    expectTypeOf<Returned<'signUploadParts'>>().toEqualTypeOf<Response<'signUploadParts'>>();
    expectTypeOf<Returned<'createBatch'>>().toEqualTypeOf<Response<'createBatch'>>();
    expectTypeOf<Returned<'updateBatch'>>().toEqualTypeOf<Response<'updateBatch'>>();
    expectTypeOf<Returned<'createSchedule'>>().toEqualTypeOf<Response<'createSchedule'>>();
    expectTypeOf<Returned<'createEstimate'>>().toEqualTypeOf<Response<'createEstimate'>>();
    expectTypeOf<Returned<'estimate'>>().toEqualTypeOf<Response<'getEstimate'>>();
    expectTypeOf<Returned<'getUsage'>>().toEqualTypeOf<Response<'getUsage'>>();
    expectTypeOf<Returned<'listFrames'>>().toEqualTypeOf<Response<'listFrames'>>();
  });

  it('yields the events of the stream', () => {
    type Yielded = ReturnType<FrameloomClient['streamEvents']> extends AsyncGenerator<infer E> ? E : never;
    expectTypeOf<Yielded>().toEqualTypeOf<
      Exclude<Response<'streamEvents'>, { object: 'list' } | undefined>
    >();
  });

  it('returns pages with the items of each list operation', () => {
    expectTypeOf<Returned<'listSummaries'>['data'][number]>().toEqualTypeOf<
      Response<'listSummaries'>['data'][number]
    >();
    expectTypeOf<Returned<'listBatches'>['data'][number]>().toEqualTypeOf<
      Response<'listBatches'>['data'][number]
    >();
    expectTypeOf<Returned<'listSchedules'>[number]>().toEqualTypeOf<
      Response<'listSchedules'>['data'][number]
    >();
  });

  it('takes the body of each operation as clients send it', () => {
    expectTypeOf<Parameters<FrameloomClient['createSummary']>[0]>().toEqualTypeOf<Body<'createSummary'>>();
    expectTypeOf<Parameters<FrameloomClient['createEstimate']>[0]>().toEqualTypeOf<Body<'createEstimate'>>();
    expectTypeOf<Parameters<FrameloomClient['estimate']>[0]>().toEqualTypeOf<Body<'createEstimate'>>();
    expectTypeOf<Parameters<FrameloomClient['createBatch']>[0]>().toEqualTypeOf<Body<'createBatch'>>();
    expectTypeOf<Parameters<FrameloomClient['createSchedule']>[0]>().toEqualTypeOf<Body<'createSchedule'>>();
    expectTypeOf<Parameters<FrameloomClient['createUpload']>[0]>().toEqualTypeOf<Body<'createUpload'>>();
    expectTypeOf<Parameters<FrameloomClient['updateBatch']>[1]>().toEqualTypeOf<
      Readonly<Body<'updateBatch'>>
    >();
    expectTypeOf<Parameters<FrameloomClient['signUploadParts']>[1]>().toEqualTypeOf<
      Readonly<Body<'signUploadParts'>>
    >();
  });

  it('takes the query parameters of each operation', () => {
    expectTypeOf<Options<Parameters<FrameloomClient['createSummary']>[1]>>().toEqualTypeOf<
      Query<'createSummary'>
    >();
    expectTypeOf<Options<Parameters<FrameloomClient['listSummaries']>[0]>>().toEqualTypeOf<
      Query<'listSummaries'>
    >();
    expectTypeOf<Options<Parameters<FrameloomClient['listBatches']>[0]>>().toEqualTypeOf<
      Query<'listBatches'>
    >();
    expectTypeOf<Options<Parameters<FrameloomClient['createEstimate']>[1]>>().toEqualTypeOf<
      Query<'createEstimate'>
    >();
    expectTypeOf<keyof Query<'getUsage'>>().toEqualTypeOf<'start_time' | 'end_time'>();
    expectTypeOf<keyof Query<'createFile'>>().toEqualTypeOf<
      'filename' | 'purpose' | 'expires_after[anchor]' | 'expires_after[seconds]'
    >();
    expectTypeOf<keyof Options<Parameters<FrameloomClient['listFiles']>[0]>>().toEqualTypeOf<
      keyof Query<'listFiles'>
    >();
  });

  it('accepts a request with a source alone, and rejects unknown members', () => {
    const client = {} as FrameloomClient; // only its types are used
    expectTypeOf(client.createSummary).toBeCallableWith({
      source: { type: 'video', url: 'https://example.com/a.mp4' },
    });
    const wrong = (): unknown =>
      // @ts-expect-error a request has no member `sources`
      client.createSummary({ source: { type: 'video' }, sources: [] });
    expectTypeOf(wrong).toBeFunction();
  });
});
