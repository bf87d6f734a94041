/**
 * The names of all artifacts. A name says what the artifact was made from; its first part is the class, to which a lifetime
 * applies. A new class is one entry here and one in lifetimes.ts, which does not compile without it.
 */

export const CLASSES = [
  'source',
  'source-lists',
  'files',
  'uploads',
  'frames',
  'extractions',
  'slides',
  'drawn',
  'words',
  'shown',
  'crops',
  'features',
  'generations',
  'checkpoints',
  'rates',
  'requests',
  'jobs',
  'batches',
  'schedules',
  'deleted',
  'keys',
  'collecting',
] as const;

export type ArtifactClass = (typeof CLASSES)[number];

/** The class of a name, or undefined for one of a version that knew other classes. */
export function classOf(name: string): ArtifactClass | undefined {
  const first = name.slice(0, name.indexOf('/'));
  return CLASSES.find((known) => known === first);
}

/** Bytes of a source, by their own hash. */
export const SOURCE = 'source' satisfies ArtifactClass;

/** Kept pictures (JPEG), by their own hash. */
export const FRAMES = 'frames' satisfies ArtifactClass;

/** The pictures that are a source together. */
export function sourceListName(digest: string): string {
  return `source-lists/${digest}.json`;
}

/** The record of an uploaded file. */
export function fileName(fileId: string): string {
  return `files/${fileId}.json`;
}

/** What extraction of one span of a source found, by the digest of all it depends on. */
export function extractionName(digest: string): string {
  return `extractions/${digest}.json`;
}

/** The record of an upload that is sent straight to the bucket. */
export function uploadName(uploadId: string): string {
  return `uploads/${uploadId}.json`;
}

/** One slide: its words and the name of its picture, by the digest of all it depends on. */
export function slideName(digest: string): string {
  return `slides/${digest}.json`;
}

/** The PDF that a renderer made of a deck. */
export function drawnDeckName(digest: string): string {
  return `drawn/${digest}.pdf`;
}

/** Words of a source: of the slides of a deck, or spoken in a video. */
export function wordsName(digest: string): string {
  return `words/${digest}.json`;
}

/** Which slide each frame of a video shows. */
export function shownSlidesName(digest: string): string {
  return `shown/${digest}.json`;
}

/** A password that came with the request of a job. It goes when the job goes. */
export function secretName(jobId: string, reference: string): string {
  return `${jobPrefix(jobId)}secrets/${reference.replace(/^secret_/, '')}`;
}

/** The key with which references to passwords are made. */
export const REFERENCE_KEY = 'keys/references';

/** Preprocessed picture: raw RGB after the HD transform and padding. */
export function cropsName(digest: string): string {
  return `crops/${digest}.bin`;
}

/** Image features: what the vision graph made of the crops. */
export function featuresName(digest: string): string {
  return `features/${digest}.bin`;
}

/** A finished generation, by the digest of model, prompt, pictures and limits. */
export function generationName(digest: string): string {
  return `generations/${digest}.json`;
}

/** Checkpoints of a generation under way: `tokens` so far, written by `attempt`. */
export function checkpointName(digest: string, tokens: number, attempt: number): string {
  return `checkpoints/${digest}/${String(tokens).padStart(8, '0')}-${String(attempt).padStart(4, '0')}.json`;
}

export function checkpointPrefix(digest: string): string {
  return `checkpoints/${digest}/`;
}

/** The note that `attempt` of an activity at a generation has begun. `activity` tells activities apart. */
export function attemptNoteName(digest: string, activity: string, attempt: number): string {
  return `${attemptNotePrefix(digest, activity)}${String(attempt).padStart(4, '0')}`;
}

export function attemptNotePrefix(digest: string, activity: string): string {
  return `${checkpointPrefix(digest)}begun-${activity}-`;
}

/** What the answers of a job took, one job per slot of a day. */
export function rateName(model: string, day: string, slot: number): string {
  return `${ratePrefix(model, day)}${String(slot).padStart(2, '0')}.json`;
}

export function ratePrefix(model: string, day: string): string {
  return `rates/${model}/${day}/`;
}

/** The request of a job. A class of its own, since it must outlive what Temporal remembers of the job. */
export function requestName(jobId: string): string {
  return `requests/${jobId}.json`;
}

/** Result, ledger and frame list of a job. */
export function jobArtifact(
  jobId: string,
  run: string,
  kind: 'result.json' | 'ledger.json' | 'frames.jsonl',
): string {
  return `jobs/${jobId}/${run}/${kind}`;
}

/** Events of a job, by the number of the first one in it. */
export function eventsName(jobId: string, run: string, first: number): string {
  return `jobs/${jobId}/${run}/events/${String(first).padStart(8, '0')}.json`;
}

/** What the stages of a job leave for each other, shard by shard (schema/shards.ts). */
export function shardName(jobId: string, run: string, kind: string, shard: number): string {
  return `jobs/${jobId}/${run}/shards/${kind}/${String(shard).padStart(6, '0')}.json`;
}

/** All that belongs to one job alone. */
export function jobPrefix(jobId: string): string {
  return `jobs/${jobId}/`;
}

/** The note that a run of a job was deleted. It must outlive what the orchestrator still knows of the run. */
export function deletedName(jobId: string, run: string): string {
  return `deleted/${jobId}/${run}`;
}

/** Where a collection of garbage says that it is under way. */
export const COLLECTING = 'collecting/';

/** A shard of the checked lines of a batch. `input` is a digest of what was asked for, so that two requests under one key cannot mix. */
export function batchShardName(batchId: string, input: string, shard: number): string {
  return `batches/${batchId}/input/${input}/${String(shard).padStart(6, '0')}.json`;
}

/** What became of a line of a batch in a round of it: a retry is another round. */
export function batchOutcomeName(batchId: string, line: number, round: number): string {
  return `batches/${batchId}/outcomes/${String(line).padStart(8, '0')}/${String(round).padStart(4, '0')}.json`;
}

/** A shard of the checked lines of a schedule of batches, as of a batch. It goes when the schedule goes. */
export function scheduleShardName(scheduleId: string, input: string, shard: number): string {
  return `${schedulePrefix(scheduleId)}${input}/${String(shard).padStart(6, '0')}.json`;
}

export function schedulePrefix(scheduleId: string): string {
  return `schedules/${scheduleId}/`;
}
