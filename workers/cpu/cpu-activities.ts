/** The activities of the `cpu` queue, built from what the machine and the settings have. */
import type { NativeConnection } from '@temporalio/worker';
import { createCpuActivities, createGarbageActivities } from '../../activities/index.ts';
import type { Settings } from '../../config/settings.ts';
import { findLibreOffice, findMediaTools } from '../../media/index.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { parseLifetimes } from '../../store/lifetimes.ts';
import { openPlainStore } from '../../store/open-store.ts';
import { liveJobs } from '../../temporal/grpc/index.ts';
import { resolveModel } from '../models/index.ts';

/** What of a CPU worker does not depend on the server, and can be found before there is one. */
export interface CpuActivityFactory {
  create(from: {
    readonly store: ArtifactStore;
    /** Folder for downloads. */
    readonly scratch: string;
    readonly connection: NativeConnection;
  }): object;
}

/** Throws when a program or the profile of the model is missing. */
export async function prepareCpuActivities(settings: Settings): Promise<CpuActivityFactory> {
  const tools = await findMediaTools(settings);
  const office = await findLibreOffice(settings);
  const { profile } = await resolveModel(settings);
  return {
    create: ({ store, scratch, connection }) => ({
      ...createCpuActivities({
        store,
        tools,
        profile,
        prices: settings.prices,
        scratch,
        office,
        withoutLibreOffice: settings.withoutLibreOffice,
        transcription: settings.transcription,
        limits: {
          maxPixels: settings.maxPixels,
          maxDuration: settings.maxDuration,
          maxPages: settings.maxPages,
          maxBytes: settings.maxUploadBytes,
          allowPrivate: settings.allowPrivateSources,
        },
      }),
      ...createGarbageActivities({
        store: openPlainStore(settings, scratch),
        lifetimes: parseLifetimes(settings.lifetimes),
        liveJobs: () => liveJobs(connection, settings.temporalNamespace),
      }),
    }),
  };
}
