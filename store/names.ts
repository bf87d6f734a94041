/**
 * The names of all artifacts. A name is derived from the inputs of the artifact; its first segment is the
 * class, which determines the lifetime. A new class is one entry here and one in lifetimes.ts, which does not
 * compile without it.
 */

export const ARTIFACT_CLASSES = [
  'sources',
  'image-lists',
  'files',
  'uploads',
  'frames',
  'extractions',
  'slides',
  'rendered-decks',
  'slide-texts',
  'transcripts',
  'slide-matches',
  'crops',
  'features',
  'generations',
  'checkpoints',
  'usage-samples',
  'uses',
  'requests',
  'jobs',
  'batches',
  'schedules',
  'removals',
  'deletions',
  'usage-records',
  'keys',
  'collection-lock',
] as const;

export type ArtifactClass = (typeof ARTIFACT_CLASSES)[number];

/** The class of a name. Undefined if the name was written by a version with other classes. */
export function classOf(name: string): ArtifactClass | undefined {
  const first = name.slice(0, name.indexOf('/'));
  return ARTIFACT_CLASSES.find((known) => known === first);
}

/** Bytes of a source, named by their SHA-256. */
export const SOURCES = 'sources' satisfies ArtifactClass;

/** Sampled frames (JPEG), named by their SHA-256. */
export const FRAMES = 'frames' satisfies ArtifactClass;

/** The images that form one source. */
export function imageListName(digest: string): string {
  return `image-lists/${digest}.json`;
}

/** The record of an uploaded file. */
export function fileName(fileId: string): string {
  return `files/${fileId}.json`;
}

/**
 * The entry of a file in the list of its tenant, from the newest to the oldest. `tenant` is a digest. In the
 * class of the records, so that both live equally long.
 */
export function fileEntryName(tenant: string, createdMs: number, purpose: string, fileId: string): string {
  const age = String(Number.MAX_SAFE_INTEGER - createdMs).padStart(16, '0');
  return `${fileEntryPrefix(tenant)}${age}-${purpose}-${fileId}`;
}

export function fileEntryPrefix(tenant: string): string {
  return `files/lists/${tenant}/`;
}

/** Result of frame extraction for one span of a source, named by the digest of all its inputs. */
export function extractionName(digest: string): string {
  return `extractions/${digest}.json`;
}

/** The record of an upload that goes directly to the bucket. */
export function uploadName(uploadId: string): string {
  return `uploads/${uploadId}.json`;
}

/** One slide: its text and the name of its image, named by the digest of all its inputs. */
export function slideName(digest: string): string {
  return `slides/${digest}.json`;
}

/** The PDF that LibreOffice rendered from a deck. */
export function renderedDeckName(digest: string): string {
  return `rendered-decks/${digest}.pdf`;
}

/** The text of the slides of a deck. */
export function slideTextsName(digest: string): string {
  return `slide-texts/${digest}.json`;
}

/** The transcript of a source: subtitles or recognized speech. */
export function transcriptName(digest: string): string {
  return `transcripts/${digest}.json`;
}

/** Which slide of a deck each frame of a video shows. */
export function slideMatchesName(digest: string): string {
  return `slide-matches/${digest}.json`;
}

/** A password of the request of a job. It is deleted with the job. */
export function secretName(jobId: string, reference: string): string {
  return `${jobPrefix(jobId)}secrets/${reference.replace(/^secret_/, '')}`;
}

/**
 * The transcript that the request of a job contains, as it was sent and as cues. It is deleted with the job.
 */
export function requestTranscriptName(jobId: string, form: 'sent' | 'cues.json'): string {
  return `${jobPrefix(jobId)}transcript/${form}`;
}

/** Titles and languages that the source of a job has of its own. */
export function sourceTextsName(jobId: string, sha256: string): string {
  return `${jobPrefix(jobId)}source-texts/${sha256}.json`;
}

/** The key that signs references to passwords. */
export const REFERENCE_KEY = 'keys/references';

/** A preprocessed image of a frame: raw RGB after the HD transform and padding. It goes with its frame. */
export function cropsName(frame: string, digest: string): string {
  return `crops/${frame.slice(`${FRAMES}/`.length)}/${digest}.bin`;
}

/** Image features: the output of the vision graph for the crops of an image. They go with their frame. */
export function featuresName(crops: string, digest: string): string {
  return `features/${crops.split('/')[1]}/${digest}.bin`;
}

/** A finished generation, named by the digest of model, prompt, images and limits. */
export function generationName(digest: string): string {
  return `generations/${digest}.json`;
}

/** A checkpoint of an unfinished generation with `tokens` tokens, written by `attempt`. */
export function checkpointName(digest: string, tokens: number, attempt: number): string {
  return `checkpoints/${digest}/${String(tokens).padStart(8, '0')}-${String(attempt).padStart(4, '0')}.json`;
}

export function checkpointPrefix(digest: string): string {
  return `checkpoints/${digest}/`;
}

/** Marks that `attempt` of an activity has started a generation. `activity` identifies the activity. */
export function attemptMarkerName(digest: string, activity: string, attempt: number): string {
  return `${attemptMarkerPrefix(digest, activity)}${String(attempt).padStart(4, '0')}`;
}

export function attemptMarkerPrefix(digest: string, activity: string): string {
  return `${checkpointPrefix(digest)}begun-${activity}-`;
}

/** Tokens and times of the generations of a job, for estimates. One job per slot of a day. */
export function usageSampleName(model: string, day: string, slot: number): string {
  return `${usageSamplePrefix(model, day)}${String(slot).padStart(2, '0')}.json`;
}

export function usageSamplePrefix(model: string, day: string): string {
  return `usage-samples/${model}/${day}/`;
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

/** A shard of the data that stages of a job pass to each other (schema/shards.ts). */
export function shardName(jobId: string, run: string, kind: string, shard: number): string {
  return `jobs/${jobId}/${run}/shards/${kind}/${String(shard).padStart(6, '0')}.json`;
}

/** All artifacts that belong to one job only. */
export function jobPrefix(jobId: string): string {
  return `jobs/${jobId}/`;
}

/** A removal that has begun: `holder` is the id of the job. It is deleted when the removal is complete. */
export function removalName(holder: string): string {
  return `${REMOVALS}${holder}.json`;
}

export const REMOVALS = 'removals/';

/** What a run of a deleted job has used. `started` is in RFC 3339. */
export function usageRecordName(tenantScope: string, started: string, jobId: string, run: string): string {
  return `${usageRecordPrefix(tenantScope)}${started.slice(0, 10)}/${jobId}/${run}.json`;
}

export function usageRecordPrefix(tenantScope: string): string {
  return `usage-records/${tenantScope}/`;
}

/** Marks a run of a job as deleted. It must outlive the record of the run in Temporal. */
export function deletionMarkerName(jobId: string, run: string): string {
  return `deletions/${jobId}/${run}`;
}

/** The lock of the garbage collection that is running. */
export const COLLECTION_LOCKS = 'collection-lock/';

/**
 * A shard of the checked lines of a batch. `input` is a digest of what was asked for, so that two requests
 * under one key cannot mix.
 */
export function batchShardName(batchId: string, input: string, shard: number): string {
  return `batches/${batchId}/input/${input}/${String(shard).padStart(6, '0')}.json`;
}

/** Metadata of a batch and errors of its lines. `input` is as of its shards. */
export function batchTextsName(batchId: string, input: string): string {
  return `batches/${batchId}/input/${input}/texts.json`;
}

/** The next content of a shard that is being replaced. Readers that miss the shard find it here. */
export function replacedShardName(name: string): string {
  return name.replace(/\.json$/, '.next.json');
}

/** All outcomes of a line of a batch. */
export function batchOutcomePrefix(batchId: string, line: number): string {
  return `batches/${batchId}/outcomes/${String(line).padStart(8, '0')}/`;
}

/** The outcome of a line of a batch in one round. A retry of the batch is another round. */
export function batchOutcomeName(batchId: string, line: number, round: number): string {
  return `${batchOutcomePrefix(batchId, line)}${String(round).padStart(4, '0')}.json`;
}

/** A shard of the checked lines of a schedule of batches, as of a batch. It goes when the schedule goes. */
export function scheduleShardName(scheduleId: string, input: string, shard: number): string {
  return `${schedulePrefix(scheduleId)}${input}/${String(shard).padStart(6, '0')}.json`;
}

/** The texts of a schedule, as of a batch. */
export function scheduleTextsName(scheduleId: string, input: string): string {
  return `${schedulePrefix(scheduleId)}${input}/texts.json`;
}

export function schedulePrefix(scheduleId: string): string {
  return `schedules/${scheduleId}/`;
}
