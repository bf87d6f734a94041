import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { frameLabel, labelStyleFor } from '../../exports/frame-label.ts';
import type { JobError, JobStatus } from '../../schema/job.ts';
import {
  type FrameNavigation,
  FrameNavigationContext,
  HOME_HREF,
  jobHref,
  ProblemNotice,
} from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { FrameList } from './frame-list.tsx';
import { JobHeader } from './job-header.tsx';
import { JobProgress } from './job-progress.tsx';
import { SlideStrip } from './slide-strip.tsx';
import { SummaryPanel } from './summary-panel.tsx';
import { VideoTimeline } from './video-timeline.tsx';
import { FrameViewer } from './viewer.tsx';

interface Props {
  readonly view: JobView;
  /** Index of the selected frame. The default is the latest while the job runs, then the first. */
  readonly frame: number | undefined;
  readonly localVideo: File | undefined;
  readonly onSelect: (frame: number) => void;
  /** Called when the job runs again. */
  readonly onRetried: () => void;
}

/** Announced by screen readers when a job ends. Errors have an alert of their own. */
const END_ANNOUNCEMENTS: Partial<Record<JobStatus, string>> = {
  completed: 'The summary is complete.',
  completed_with_gaps: 'The summary is complete, with gaps.',
  cancelled: 'The job is cancelled.',
};

/** The page of a loaded job, with the selection that its components share. */
export function LoadedJob({ view, frame, localVideo, onSelect, onRetried }: Props): JSX.Element {
  const viewer = useRef<HTMLElement>(null);
  const [evidence, setEvidence] = useState<readonly number[]>([]);
  const [announcement, setAnnouncement] = useState('');
  const selected =
    view.frames.find(({ index }) => index === frame) ?? (view.isRunning ? view.latestFrame : view.frames[0]);
  const naming = labelStyleFor(view.kind, view.frames);

  useDocumentTitle(view);
  useEndOfJob(view, (status) => setAnnouncement(END_ANNOUNCEMENTS[status] ?? ''));

  const select = (index: number): void => {
    setEvidence([]);
    onSelect(index);
  };
  const navigation: FrameNavigation = {
    hrefOf: (index) => jobHref(view.id, index),
    goTo: (index, segments) => {
      setEvidence(segments);
      onSelect(index);
      viewer.current?.scrollIntoView({ block: 'nearest' });
      const target = view.frames.find((candidate) => candidate.index === index);
      if (target) setAnnouncement(`Showing ${frameLabel(target, naming)}. ${target.caption}`);
    },
  };

  return (
    <FrameNavigationContext.Provider value={navigation}>
      <div class={view.isRunning ? 'job job--running' : 'job'}>
        <JobHeader view={view} />
        {view.isRunning && <JobProgress view={view} />}
        {view.error && <JobErrorNotice error={view.error} hasFrames={view.frames.length > 0} />}
        {(view.frames.length > 0 || view.isRunning) && (
          <div class="job__columns">
            <section class="job__stage" ref={viewer} aria-label="Selected frame">
              <FrameViewer
                view={view}
                selected={selected}
                naming={naming}
                localVideo={localVideo}
                onSelect={select}
              />
              {view.kind === 'video' ? (
                <VideoTimeline
                  view={view}
                  selected={selected}
                  evidence={evidence}
                  naming={naming}
                  onSelect={select}
                />
              ) : (
                <SlideStrip view={view} selected={selected} evidence={evidence} onSelect={select} />
              )}
            </section>
            <SummaryPanel view={view} selected={selected} evidence={evidence} onRetried={onRetried} />
            <FrameList view={view} selected={selected} naming={naming} />
          </div>
        )}
        {view.status === 'cancelled' && view.frames.length === 0 && (
          <div class="card nothing">
            <p>This job was cancelled before any frame was described.</p>
            <a class="button" href={HOME_HREF}>
              New summary
            </a>
          </div>
        )}
        <p class="visually-hidden" role="status">
          {announcement}
        </p>
      </div>
    </FrameNavigationContext.Provider>
  );
}

function JobErrorNotice({ error, hasFrames }: { error: JobError; hasFrames: boolean }): JSX.Element {
  const title = hasFrames ? 'The summary could not be completed.' : 'The source could not be summarized.';
  return (
    <ProblemNotice problem={{ ...error, title, detail: error.message }}>
      <a class="button" href={HOME_HREF}>
        Choose another source
      </a>
    </ProblemNotice>
  );
}

/** Displays the title of the job, and its progress while it runs, in the title of the browser tab. */
function useDocumentTitle({ title, isRunning, progress }: JobView): void {
  const percent = Math.round(progress.percent);
  useEffect(() => {
    document.title = `${isRunning ? `${percent} % · ` : ''}${title} – Frameloom`;
    return () => {
      document.title = 'Frameloom';
    };
  }, [title, isRunning, percent]);
}

/** Calls `onEnd` when a running job ends. */
function useEndOfJob({ isRunning, status }: JobView, onEnd: (status: JobStatus) => void): void {
  const wasRunning = useRef(isRunning);
  useEffect(() => {
    if (wasRunning.current && !isRunning) onEnd(status);
    wasRunning.current = isRunning;
  }, [isRunning, status]);
}
