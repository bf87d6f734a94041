/** The activity that reads the transcript of a video: which source it prefers, and what a retry repeats. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReadTranscript } from '../../activities/read-transcript.ts';
import { FrameloomError } from '../../core/errors.ts';
import { findMediaTools, probeVideo } from '../../media/index.ts';
import { fileIdFor, jobIdFor } from '../../schema/ids.ts';
import type { Cue, VideoInfo } from '../../schema/source.ts';
import type { ReadTranscriptInput, ReadTranscriptOutput } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { fileName, requestTranscriptName, SOURCES } from '../../store/names.ts';
import { ffmpeg, H264 } from '../media/clips.ts';
import { putRequest } from '../support/requests.ts';

const tools = await findMediaTools({});
let root: string;
let store: ArtifactStore;
let server: Server;
/** Requests to the speech service, and its response to each. */
let asked: number;
let answer: (piece: number) => { readonly status: number; readonly text: string; readonly body?: string };
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-words-'));
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { status, text, body } = answer(asked);
      asked += 1;
      response.statusCode = status;
      response.end(body ?? JSON.stringify({ text, segments: [{ start: 1, end: 2, text }] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  store = createFolderStore(await mkdtemp(join(root, 'store-')));
  asked = 0;
  answer = (piece) => ({ status: 200, text: `piece ${piece}` });
});

const SOURCE = { source: { type: 'video', url: 'https://example.com/a.mkv' } } as const;

/** A video of `seconds` with sound, and with subtitles where they are given. */
async function video(
  seconds: number,
  subtitles?: string,
): Promise<Pick<ReadTranscriptInput, 'jobId' | 'source' | 'artifact'>> {
  const path = join(root, `${seconds}-${subtitles?.length ?? 0}.mkv`);
  const side = `${path}.srt`;
  if (subtitles !== undefined) await writeFile(side, subtitles);
  if (!existsSync(path))
    await ffmpeg([
      ...['-f', 'lavfi', '-i', `color=red:s=64x64:d=${seconds}:r=1`],
      ...['-f', 'lavfi', '-i', `sine=duration=${seconds}:sample_rate=8000`],
      ...(subtitles === undefined ? [] : ['-i', side]),
      ...['-map', '0', '-map', '1', ...(subtitles === undefined ? [] : ['-map', '2', '-c:s', 'srt'])],
      ...[...H264, '-c:a', 'flac', path],
    ]);
  const { name, sha256, bytes } = await store.putByContent(SOURCES, await readFile(path));
  const probed = await probeVideo(tools, path, { maxPixels: 1e6 });
  const source: VideoInfo = { type: 'video', sha256, bytes, ...probed };
  const jobId = await jobIdFor('t', name);
  await putRequest(store, jobId, SOURCE);
  return { jobId, source, artifact: name };
}

function readTranscript(
  input: ReadTranscriptInput,
  { recognize = true, attempt = 1, run = 'run-1' } = {},
): Promise<ReadTranscriptOutput> {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const activity = createReadTranscript({
    store,
    tools,
    scratch: root,
    limits: { maxBytes: 2 ** 30, allowPrivate: true, maxPixels: 1e6 },
    transcription: recognize ? { url: `http://127.0.0.1:${port}`, model: 'm', apiKey: undefined } : undefined,
  });
  const environment = new MockActivityEnvironment(
    { attempt, workflowExecution: { workflowId: input.jobId, runId: run } },
    { logger: new DefaultLogger('ERROR') },
  );
  return environment.run<[ReadTranscriptInput], ReadTranscriptOutput, typeof activity>(activity, input);
}

async function cuesOf({ transcript }: ReadTranscriptOutput): Promise<readonly Cue[] | undefined> {
  return (
    transcript &&
    (JSON.parse(new TextDecoder().decode(await store.bytes(transcript.artifact))) as readonly Cue[])
  ); // as stored
}

const SRT = '1\n00:00:01,000 --> 00:00:02,000\nfrom the track\n';

describe('readTranscript', () => {
  it('prefers a subtitle track to speech, and a file of the request to both', async () => {
    const found = { ...(await video(4, SRT)), range: { start: 0, end: 4 } };
    expect((await readTranscript(found)).transcript?.from).toBe('track');
    const id = await fileIdFor('t', 'x');
    const { sha256, bytes } = await store.putByContent(SOURCES, Buffer.from('[00:03] from the request'));
    await store.put(fileName(id), Buffer.from(JSON.stringify({ id, sha256, bytes })));
    await putRequest(store, found.jobId, {
      source: { type: 'video', url: 'https://example.com/a.mkv', subtitles: { file_id: id } },
    });
    const read = await readTranscript(found);
    expect(read.transcript?.from).toBe('request');
    expect((await cuesOf(read))?.map(({ text }) => text)).toEqual(['from the request']);
    expect(asked).toBe(0);
  });

  it('stores the cues of a transcript in the request as an artifact of the job', async () => {
    const found = { ...(await video(4, SRT)), range: { start: 0, end: 4 } };
    const name = requestTranscriptName(found.jobId, 'sent');
    await store.put(name, Buffer.from('[00:03] from the request'));
    await putRequest(store, found.jobId, SOURCE, { hasTranscript: true });
    const output = await readTranscript(found);
    const artifact = requestTranscriptName(found.jobId, 'cues.json');
    expect(output).toEqual({ transcript: { artifact, from: 'request', skipped: {} } });
    expect((await cuesOf(output))?.map(({ text }) => text)).toEqual(['from the request']);
    for await (const other of store.list('transcripts/')) expect.unreachable(`${other} outlives the job`);

    await store.delete(name);
    await expect(readTranscript(found)).rejects.toMatchObject({ code: 'source_missing' });
  });

  it('recognizes no speech without a speech service', async () => {
    expect(
      await readTranscript({ ...(await video(4)), range: { start: 0, end: 4 } }, { recognize: false }),
    ).toEqual({});
  });

  it('recognizes speech section by section, and repeats no finished section after a failure', async () => {
    const found = { ...(await video(1250)), range: { start: 0, end: 1250 } };
    answer = (piece) => (piece === 1 ? { status: 503, text: '' } : { status: 200, text: `call ${piece}` });
    const failure: unknown = await readTranscript(found).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FrameloomError);
    expect(failure).toMatchObject({ code: 'transcription_failed' });
    const output = await readTranscript(found);
    expect(output.transcript?.from).toBe('speech');
    // Sections of ten minutes. Only the second was requested twice.
    expect(await cuesOf(output)).toEqual([
      { start: 1, end: 2, text: 'call 0' },
      { start: 601, end: 602, text: 'call 2' },
      { start: 1201, end: 1202, text: 'call 3' },
    ]);
    // Another range finds the same sections.
    await readTranscript({ ...found, range: { start: 700, end: 900 } });
    expect(asked).toBe(4);
  });

  it('a section with an odd response is a gap, and is sent once in a run of the job', async () => {
    const found = { ...(await video(604)), range: { start: 0, end: 604 } };
    answer = (piece) => ({
      status: 200,
      text: `call ${piece}`,
      ...(piece === 0 ? { body: '{"text":null}' } : {}),
    });
    const output = await readTranscript(found);
    const gap = { start: 0, end: 600, reason: 'section_not_transcribed', attempts: 1 };
    expect(output.transcript?.gaps).toEqual([gap]);
    expect((await cuesOf(output))?.map(({ start, text }) => [start, text])).toEqual([[601, 'call 1']]);
    await readTranscript(found, { attempt: 2 });
    expect(asked).toBe(2);
    // A retry of the job asks for the missing section again.
    const retried = await readTranscript(found, { run: 'run-2' });
    expect(retried.transcript?.gaps).toEqual([]);
    expect(asked).toBe(3);
  });

  it('a service that is down costs the transcript after the last attempt, wrong settings end the job', async () => {
    const found = { ...(await video(4)), range: { start: 0, end: 4 } };
    answer = () => ({ status: 503, text: '' });
    await expect(readTranscript(found, { attempt: 9 })).rejects.toMatchObject({
      code: 'transcription_failed',
    });
    const { transcript } = await readTranscript(found, { attempt: 10 });
    expect(transcript?.gaps).toEqual([{ start: 0, end: 4, reason: 'transcription_failed', attempts: 10 }]);
    answer = () => ({ status: 401, text: '' });
    await expect(readTranscript(found, { run: 'run-2' })).rejects.toMatchObject({
      code: 'transcription_rejected',
    });
  });

  it('reads the tracks that the request selects, and rejects those that do not exist', async () => {
    const found = { ...(await video(4, SRT)), range: { start: 0, end: 4 } };
    const select = (tracks: { subtitles?: number; audio?: number }) =>
      putRequest(store, found.jobId, { source: { ...SOURCE.source, tracks } });
    await select({ subtitles: 2 });
    expect((await readTranscript(found)).transcript).toMatchObject({ from: 'track', stream: 2 });
    for (const tracks of [{ subtitles: 1 }, { subtitles: 7 }, { audio: 0 }]) {
      await select(tracks);
      await expect(readTranscript(found)).rejects.toMatchObject({ code: 'no_such_track' });
    }
  });

  it('decodes a file of the request in the encoding that it names, and reports which it was', async () => {
    const found = { ...(await video(4)), range: { start: 0, end: 4 } };
    const id = await fileIdFor('t', 'x');
    // In Windows-1251 these bytes are Cyrillic, in KOI8-R as well, with other letters.
    const { sha256, bytes } = await store.putByContent(
      SOURCES,
      Buffer.from('[00:01] \xcc\xc8\xd0', 'latin1'),
    );
    await store.put(fileName(id), Buffer.from(JSON.stringify({ id, sha256, bytes })));
    for (const [encoding, text] of [
      ['windows-1251', 'МИР'],
      ['koi8-r', 'лхп'],
    ] as const) {
      await putRequest(store, found.jobId, {
        source: { type: 'video', url: 'https://example.com/a.mkv', subtitles: { file_id: id, encoding } },
      });
      const output = await readTranscript(found);
      expect(output.transcript).toMatchObject({ from: 'request', encoding });
      expect((await cuesOf(output))?.map((cue) => cue.text)).toEqual([text]);
    }
  });
});
