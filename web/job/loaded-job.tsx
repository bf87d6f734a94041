import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { frameLabel, labelStyleFor } from '../../exports/frame-label.ts';
import type { JobStatus } from '../../schema/job.ts';
import { HOME, type Jump, JumpContext, jobHref, ProblemNotice } from '../shared/index.ts';
import type { JobView } from '../state/index.ts';
import { FrameList } from './frame-list.tsx';
import { JobHeader } from './job-header.tsx';
import { JobProgress } from './job-progress.tsx';
import { SlideStrip } from './slide-strip.tsx';
import { SummaryPanel } from './summary-panel.tsx';
import { VideoTimeline } from './video-timeline.tsx';
import { Viewer } from './viewer.tsx';

interface Props {
  readonly view: JobView;
  /** The selected frame; without one, the newest while the job runs, then the first. */
  readonly frame: number | undefined;
  readonly localVideo: File | undefined;
  readonly onSelect: (frame: number) => void;
  /** Called when the job has been started again. */
  readonly onAgain: () => void;
}

/** What is said aloud when a job ends. */
const ENDINGS: Partial<Record<JobStatus, string>> = {
  completed: 'The summary is complete.',
  completed_with_gaps: 'The summary is complete, with gaps.',
  cancelled: 'The job is cancelled.',
}; // a failure announces itself

/** Everything of a job, and the selection that its parts share. */
export function LoadedJob({ view, frame, localVideo, onSelect, onAgain }: Props): JSX.Element {
  const viewer = useRef<HTMLElement>(null);
  const [evidence, setEvidence] = useState<readonly number[]>([]);
  const [announcement, setAnnouncement] = useState('');
  const selected =
    view.frames.find(({ index }) => index === frame) ?? (view.running ? view.latest : view.frames[0]);
  const { running } = view;
  const percent = Math.round(view.progress.percent);
  const naming = labelStyleFor(view.kind, view.frames);

  useEffect(() => {
    document.title = `${running ? `${percent} % · ` : ''}${view.title} – Frameloom`;
    return () => {
      document.title = 'Frameloom';
    };
  }, [view.title, running, percent]);

  const wasRunning = useRef(running);
  useEffect(() => {
    if (wasRunning.current && !running) setAnnouncement(ENDINGS[view.status] ?? '');
    wasRunning.current = running;
  }, [running, view.status]);

  const select = (index: number): void => {
    setEvidence([]);
    onSelect(index);
  };
  const jump: Jump = {
    hrefOf: (index) => jobHref(view.id, index),
    to: (index, segments) => {
      setEvidence(segments);
      onSelect(index);
      viewer.current?.scrollIntoView({ block: 'nearest' });
      const target = view.frames.find((candidate) => candidate.index === index);
      if (target) setAnnouncement(`Showing ${frameLabel(target, naming)}. ${target.caption}`);
    },
  };

  return (
    <JumpContext.Provider value={jump}>
      <div class={view.running ? 'job job--running' : 'job'}>
        <JobHeader view={view} />
        {view.running && <JobProgress view={view} />}
        {view.error && (
          <ProblemNotice
            problem={{
              ...view.error,
              title:
                view.frames.length > 0
                  ? 'The summary could not be finished.'
                  : 'The source could not be summarized.',
              detail: view.error.message,
            }}
          >
            <a class="button" href={HOME}>
              Choose another source
            </a>
          </ProblemNotice>
        )}
        {(view.frames.length > 0 || view.running) && (
          <div class="job__columns">
            <section class="job__stage" ref={viewer} aria-label="Selected frame">
              <Viewer
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
            <SummaryPanel view={view} selected={selected} evidence={evidence} onAgain={onAgain} />
            <FrameList view={view} selected={selected} naming={naming} />
          </div>
        )}
        {view.status === 'cancelled' && view.frames.length === 0 && (
          <div class="card nothing">
            <p>This job was cancelled before any frame was described.</p>
            <a class="button" href={HOME}>
              New summary
            </a>
          </div>
        )}
        <p class="visually-hidden" role="status">
          {announcement}
        </p>
      </div>
    </JumpContext.Provider>
  );
}
